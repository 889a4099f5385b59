"""What is served and scored: the ONNX file of one adapted model, and what the row says of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tlbench.contract.requests import PrepareRequest
from tlbench.deploy.onnx_graph import export_model, run_session, structure
from tlbench.deploy.session import open_session
from tlbench.engine.prepared import Prepared
from tlbench.learning.data import Array, Examples, Inputs, restore_order
from tlbench.learning.metrics import bootstrap_interval
from tlbench.learning.model import EVALUATION_BATCH, TransferModel, count_parameters
from tlbench.planning.plan import Pairing, Settings
from tlbench.results.files import file_sha256

OFFLINE_BATCH = 64


def export_and_score(
    pairing: Pairing, settings: Settings, prepared: Prepared, model: TransferModel, graph: Path, folder: Path
) -> dict[str, Any]:
    """Write `model.onnx`, `predictions.npz` and `latency.npz`; return the row's fields on the file."""
    test, path, task = prepared.split("target-test"), folder / "model.onnx", pairing.task
    kind = task.kind.create()
    parity = export_model(model, graph, test, kind, path, settings.device, settings.threads)
    predictions = parity.predictions
    np.savez_compressed(
        folder / "predictions.npz", predictions=predictions, targets=test.targets.values, counts=test.targets.counts
    )
    samples = latency_inputs(test.inputs)
    np.savez_compressed(folder / "latency.npz", **samples)  # type: ignore[arg-type]
    fields = score_fields(pairing, prepared, test, predictions)
    if task.evaluate is not None:
        predictor = Predictor(pairing, settings, prepared, path)
        fields["scores"] |= task.evaluate(pairing.load_request(settings), predictor)
    return {
        **fields,
        "parity": parity.relative,
        "parity_flips": parity.flips,
        "onnx_sha256": file_sha256(path),
        "onnx_bytes": path.stat().st_size,
        "graph": structure(path),
        "shapes": [list(sample.shape) for name, sample in samples.items() if name.startswith("one")],
        "offline_shapes": [list(sample.shape) for name, sample in samples.items() if name.startswith("many")],
        "parameters": count_parameters(model.encoder) + count_parameters(model.heads["target"]),
        "data_sha256": prepared.sha256,
    }


def score_fields(pairing: Pairing, prepared: Prepared, test: Examples, predictions: Array) -> dict[str, Any]:
    """Return every metric of the predictions, and the interval of the task's own."""
    scores = pairing.task.kind.create().metrics(prepared.target_labels)
    weighted = {name: metric(predictions, test.targets) for name, metric in scores.items()}
    low, high = bootstrap_interval(weighted[pairing.task.metric], len(test))
    values = {name: of(np.ones(len(test))) for name, of in weighted.items()}
    own = values[pairing.task.metric]
    return {"score": own, "score_low": low, "score_high": high, "test_size": len(test), "scores": values}


def latency_inputs(inputs: Inputs) -> dict[str, Array]:
    """Return the model inputs that latency is measured on: `one_I` the example of median length, `many_I` a batch."""
    median = np.argsort(inputs.lengths, kind="stable")[len(inputs) // 2]
    batches = {
        "one": inputs.batch(np.array([median])),
        "many": inputs.batch(np.arange(min(OFFLINE_BATCH, len(inputs)))),
    }
    return {f"{name}_{i}": part.numpy() for name, batch in batches.items() for i, part in enumerate(batch)}


class Predictor:
    """Raw examples -> predictions by the ONNX file: what a task's `evaluate` is given."""

    def __init__(self, pairing: Pairing, settings: Settings, prepared: Prepared, path: Path) -> None:
        self._pairing, self._prepared = pairing, prepared
        self._session = open_session(path, settings.device, settings.threads)

    def __call__(self, examples: Sequence[Any]) -> Array:
        """Return one prediction a unit, for examples of one unit each."""
        task, backbone = self._pairing.task, self._pairing.backbone
        request = PrepareRequest(
            inputs=examples,
            fitted=self._prepared.fitted,
            layout=task.kind.layout,
            options=self._pairing.backbone_options,
            files=self._pairing.files,
        )
        inputs = Inputs(backbone.prepare(request))
        parts = [
            (positions, run_session(self._session, batch), np.ones(len(positions), np.int64))
            for positions, batch in inputs.by_length(EVALUATION_BATCH)
        ]
        return task.kind.create().predict(restore_order(parts))
