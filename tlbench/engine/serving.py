"""What is served and scored: the ONNX file of one adapted model, and what the row says of it."""

from __future__ import annotations

import datetime
import hashlib
import json
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tlbench.contract.requests import SELF_LABELLED, PrepareRequest
from tlbench.contract.specs import TaskSpec
from tlbench.contract.task_data import Array
from tlbench.deploy.export import export_model, latency_inputs, run_session, session_run
from tlbench.deploy.onnx_graph import structure
from tlbench.deploy.package.alone import POSTPROCESS, postprocess_record
from tlbench.deploy.session import open_session
from tlbench.engine.groups import group_arrays, group_fields
from tlbench.engine.prepared import Prepared
from tlbench.learning.data import Inputs
from tlbench.learning.generating import Generating
from tlbench.learning.kinds.protocol import Postprocess
from tlbench.learning.metrics.intervals import Resampled, score_draws, score_interval
from tlbench.learning.metrics.variety import variety
from tlbench.learning.model import EVALUATION_BATCH, TransferModel, count_parameters
from tlbench.learning.outputs import Outputs
from tlbench.learning.ragged import restore_order
from tlbench.learning.targets import Predictions, Targets
from tlbench.planning import fingerprints
from tlbench.planning.plan import Pairing
from tlbench.planning.settings import Settings
from tlbench.results.files import canonical, file_sha256, write_json
from tlbench.results.parts import ExportPart


def export_and_score(
    pairing: Pairing, settings: Settings, prepared: Prepared, model: TransferModel, graph: Path, folder: Path
) -> ExportPart:
    """Write `model.onnx`, predictions, what made them, and `latency.npz`; return what the row says of the file."""
    test, path, task = prepared.split("target-test"), folder / "model.onnx", pairing.task
    kind = task.kind.create()
    parity = export_model(model, graph, test, kind, path, settings.device, settings.threads, prepared.target_labels)
    predictions = parity.predictions
    groups = prepared.groups("target-test")
    fields, draws = score_fields(task, prepared.target_labels, predictions, test.targets, groups)
    # The labels of texts that are their own are a whole vocabulary, which would be larger than the predictions.
    labels = () if task.kind.layout in SELF_LABELLED else prepared.target_labels
    save_predictions(folder / "predictions.npz", predictions, test.targets, groups, labels, draws)
    write_json(folder / POSTPROCESS, postprocess_record(kind.postprocess))
    samples = latency_inputs(test.inputs)
    np.savez_compressed(folder / "latency.npz", **samples)  # type: ignore[arg-type]
    # A task's own evaluation runs the file too, so that its scores are of what is served. They are further ones.
    if task.evaluate is not None:
        predictor = Predictor(pairing, settings, prepared, path)
        fields["scores"] = {**task.evaluate(pairing.load_request, predictor), **fields["scores"]}
    return ExportPart(
        **fields,
        **variety(parity.tally, predictions, test.targets),
        parity=parity.relative,
        parity_flips=parity.flips,
        onnx_sha256=file_sha256(path),
        onnx_bytes=path.stat().st_size,
        predictions_sha256=file_sha256(folder / "predictions.npz"),
        predictions_bytes=(folder / "predictions.npz").stat().st_size,
        graph=structure(path),
        shapes=tuple(sample.shape for name, sample in samples.items() if name.startswith("one")),
        offline_shapes=tuple(sample.shape for name, sample in samples.items() if name.startswith("many")),
        parameters=count_parameters(model.encoder) + count_parameters(model.heads["target"]),
        **provenance(settings.device),
    )


def save_predictions(
    path: Path,
    predictions: Predictions,
    targets: Targets,
    groups: Array | None,
    labels: Sequence[str],
    draws: Array,
) -> None:
    """Write predictions and targets of the test split, each with its number for each example, and `draws`.

    `counts` are those of the targets; `prediction_counts` stand beside them if they differ. `references` are texts of
    JSON and `groups` names, if the task has any. `labels` are the names that the metrics take. `draws` are the scores
    of resampled test sets, as float32.
    """
    arrays = {"predictions": predictions.values, "targets": targets.values, "counts": targets.counts}
    arrays |= {"labels": np.array(labels, dtype=np.str_), **group_arrays(groups), "draws": draws.astype(np.float32)}
    if not np.array_equal(predictions.counts, targets.counts):
        arrays["prediction_counts"] = predictions.counts
    if len(targets.references):
        arrays["references"] = np.array([json.dumps(value, ensure_ascii=False) for value in targets.references])
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def provenance(device: str) -> dict[str, Any]:
    """Return what the row says of code, libraries, time and memory."""
    commit, dirty = fingerprints.commit()
    return {
        "versions": dict(fingerprints.versions()),
        "commit": commit or None,
        "dirty": dirty,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "peak_memory_bytes": peak_memory(device),
    }


def peak_memory(device: str) -> int:
    """Return the process's largest resident size so far, or on CUDA its largest allocation, in bytes."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    # getrusage counts bytes on macOS and KiB on Linux.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def score_fields(
    task: TaskSpec, labels: Sequence[str], predictions: Predictions, targets: Targets, groups: Array | None
) -> tuple[dict[str, Any], Array]:
    """Return every metric of the predictions, with the interval of the task's own, and the draws of that one.

    `labels` are those of the target and `groups` has a name `(N,)` for each example, if the task has any.
    """
    scores = task.kind.create().metrics(labels)
    weighted = {name: metric(predictions, targets) for name, metric in scores.items()}
    # At weight one a weighted metric is the metric itself.
    values = {name: of(np.ones(len(targets))) for name, of in weighted.items()}
    own, score = weighted[task.metric], values[task.metric]
    units = Resampled.examples(len(targets)) if groups is None else Resampled.groups(groups)
    draws = score_draws(own, units)
    interval = score_interval(own, units, score, draws)
    fields: dict[str, Any] = {
        "score": score,
        "score_low": interval.low,
        "score_high": interval.high,
        "interval_method": interval.method,
        "test_size": len(targets),
        "test_sha256": split_sha256(targets, groups),
        "scores": values,
    }
    return {**fields, **group_fields(own, groups)}, draws


def split_sha256(targets: Targets, groups: Array | None) -> str:
    """Name the examples of a test split, in their order, by their targets and groups."""
    names = [] if groups is None else groups.tolist()
    parts = [targets.values, targets.counts, np.frombuffer(canonical(names).encode(), np.uint8)]
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(f"{part.dtype.str} {part.shape} ".encode())
        hashed.update(np.ascontiguousarray(part).data)
    return hashed.hexdigest()


class Predictor:
    """Raw examples -> predictions by the ONNX file: what a task's `evaluate` is given."""

    def __init__(self, pairing: Pairing, settings: Settings, prepared: Prepared, path: Path) -> None:
        self._pairing, self._prepared = pairing, prepared
        self._session = open_session(path, settings.device, settings.threads)

    def __call__(self, examples: Sequence[Any]) -> Any:
        """Return predictions: an array with one for each example, or a list with what each whole example gives.

        A list for features of another layout than `pooled`, and for kinds whose predictions have their own number.
        """
        task, backbone = self._pairing.task, self._pairing.backbone
        request = PrepareRequest(
            inputs=examples,
            fitted=self._prepared.fitted,
            layout=task.kind.layout,
            options=self._pairing.backbone_options,
            files=self._pairing.files,
        )
        inputs, process = Inputs(backbone.prepare(request)), task.kind.create().postprocess
        if task.kind.layout != "pooled":
            return [self._whole(process, inputs, place, example) for place, example in enumerate(examples)]
        parts = [
            (positions, run_session(self._session, batch), np.ones(len(positions), np.int64))
            for positions, batch in inputs.by_length(EVALUATION_BATCH)
        ]
        outputs = restore_order(parts)
        return process.predict(Outputs(outputs, shape=(len(outputs),)))

    def _whole(self, process: Postprocess, inputs: Inputs, place: int, example: Any) -> Array:
        """Return the predictions of one example, alone, so that it has no padding: as an export's `predict.py` does."""
        batch = inputs.batch(np.array([place]))
        if isinstance(process, Generating):
            arrays = [part.numpy() for part in batch]
            return process.generate(session_run(self._session), arrays, self._prepared.target_labels)[0]
        outputs = process.crop(run_session(self._session, batch)[0], example, [part.numpy()[0] for part in batch])
        made = process.predict(Outputs(outputs.reshape(-1, outputs.shape[-1]), shape=(1, *outputs.shape[:-1])))
        return made.reshape(*outputs.shape[:-1], *made.shape[1:]) if isinstance(made, np.ndarray) else made[0]
