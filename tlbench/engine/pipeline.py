"""One pairing, straight down: prepare, source, features, adapt, score, export.

Each step is a stage of the store, a function of what stands above it. What a stage leaves is read back from disk
also by the run that computed it, so that a resumed run and an undisturbed one go the same way. A stage leaves the
fields of the row that it knows in `row.json`; the row is their union.
"""

from __future__ import annotations

import datetime
import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tlbench.contract.events import Event
from tlbench.contract.task_data import Access
from tlbench.deploy import export as serving
from tlbench.deploy.onnx_graph import export_graph
from tlbench.engine import scoring, stages
from tlbench.engine.prepared import Prepared, prepare
from tlbench.engine.scoring import SplitFeatures
from tlbench.engine.store import Stage, Store
from tlbench.learning.device import set_up
from tlbench.learning.model import TransferModel, load_weights, save_weights, trained_parameters
from tlbench.planning import fingerprints
from tlbench.planning.plan import Pairing, Settings
from tlbench.results.files import write_json

WEIGHTS = "model.safetensors"
FIELDS = "row.json"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A pairing on its way."""

    pairing: Pairing
    settings: Settings
    store: Store

    def run_stages(self) -> None:
        """Bring every stage of the pairing into the store. Raises `StageError` that names the one that failed."""
        set_up(self.settings.threads)
        prepared = Prepared.read(self._prepare().folder)
        source = self._source(prepared)
        features = self._features(prepared, source)
        adapted = self._adapt(prepared, source)
        self._score(prepared, source, features, adapted)
        self._export(prepared, adapted)

    def source(self) -> tuple[Prepared, TransferModel]:
        """Return the prepared data and the source model: all that pre-training needs."""
        set_up(self.settings.threads)
        prepared = Prepared.read(self._prepare().folder)
        return prepared, self._load(prepared, self._source(prepared), "source")

    def _prepare(self) -> Stage:
        def compute(folder: Path) -> None:
            prepare(self.pairing, self.settings, folder)

        return self._stage("prepare", compute)

    def _source(self, prepared: Prepared) -> Stage:
        def compute(folder: Path) -> None:
            model = stages.train_source(self.pairing, prepared, self.settings.device, self._on_step("source"))
            save_weights(model, folder / WEIGHTS)

        return self._stage("source", compute)

    def _features(self, prepared: Prepared, source: Stage) -> Stage:
        """The source encoder's features and probe, shared by every strategy that starts from it."""

        def compute(folder: Path) -> None:
            seen = scoring.extract_features(self.pairing.task, self._load(prepared, source, "source"), prepared)
            np.savez(folder / "features.npz", **vars(seen))
            write_json(folder / "probe.json", {"score": scoring.probe_score(self.pairing.task, prepared, seen)})
            write_json(folder / FIELDS, {"a_distance": scoring.a_distance(seen.source_test, seen.target_test)})

        return self._stage("features", compute)

    def _adapt(self, prepared: Prepared, source: Stage) -> Stage:
        def compute(folder: Path) -> None:
            start = self._load(prepared, source, "source")
            model = stages.adapt(self.pairing, prepared, start, self._on_step("adapt"))
            save_weights(model, folder / WEIGHTS)
            fields = {"trained_parameters": trained_parameters(start, model), **self._labels_seen(prepared)}
            write_json(folder / FIELDS, fields)

        return self._stage("adapt", compute)

    def _labels_seen(self, prepared: Prepared) -> dict[str, object]:
        """Return how many labels the budget came to, where that was not said by it, or there were not as many."""
        if Access.TARGET_LABELS not in self.pairing.strategy.access:
            return {}
        asked, seen = self.pairing.label_budget, len(stages.seen_labels(self.pairing, prepared) or ())
        return {} if seen == asked.total else {"label_budget": seen, "budget_rule": str(asked)}

    def _score(self, prepared: Prepared, source: Stage, features: Stage, adapted: Stage) -> Stage:
        def compute(folder: Path) -> None:
            start, model = self._load(prepared, source, "source"), self._load(prepared, adapted, "source", "target")
            with np.load(features.folder / "features.npz", allow_pickle=False) as arrays:
                before = SplitFeatures(**arrays)
            probe = json.loads((features.folder / "probe.json").read_text())["score"]
            write_json(folder / FIELDS, scoring.score_fields(self.pairing, prepared, start, before, probe, model))

        return self._stage("score", compute)

    def _export(self, prepared: Prepared, adapted: Stage) -> Stage:
        model = self._load(prepared, adapted, "source", "target")
        graph = self._graph(prepared, model).folder / "graph.onnx"

        def compute(folder: Path) -> None:
            fields = serving.export_and_score(self.pairing, self.settings, prepared, model, graph, folder)
            write_json(folder / FIELDS, {**fields, **self._provenance()})

        return self._stage("export", compute)

    def _graph(self, prepared: Prepared, model: TransferModel) -> Stage:
        """The unoptimised ONNX graph: one for all models of the same architecture."""
        shapes = {name: [str(part.dtype), *part.shape] for name, part in model.state_dict().items()}

        def compute(folder: Path) -> None:
            export_graph(model, prepared.split("target-test").inputs, folder / "graph.onnx")

        architecture = {**self.pairing.architecture(), "fitted": prepared.fitted, "shapes": shapes}
        return self.store.stage("graph", architecture, compute)

    def _stage(self, name: str, compute: Callable[[Path], None]) -> Stage:
        return self.store.stage(name, self.pairing.identities(self.settings)[name], compute)

    def _load(self, prepared: Prepared, stage: Stage, *heads: str) -> TransferModel:
        model = stages.build(self.pairing, prepared, self.settings.device, heads)
        return load_weights(model, stage.folder / WEIGHTS).eval()

    def _on_step(self, stage: str) -> Callable[[int, float], None]:
        def report(step: int, loss: float) -> None:
            options = self.pairing.source_options if stage == "source" else self.pairing.strategy_options
            total = int(options["steps"])
            self.store.notify(Event(name="step", stage=stage, done=step, total=total, values={"loss": loss}))

        return report

    def _provenance(self) -> dict[str, object]:
        commit, dirty = fingerprints.commit()
        return {
            "versions": dict(fingerprints.versions()),
            "commit": commit or None,
            "dirty": dirty,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "peak_memory_bytes": peak_memory(self.settings.device),
        }


def peak_memory(device: str) -> int:
    """Return the process's largest resident size so far, or on CUDA its largest allocation, in bytes."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
