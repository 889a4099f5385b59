"""Every spec that is shipped, and the toy, by the suites that strangers use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.specs import DomainSpec, StrategySpec, TaskSpec
from tlbench.planning.catalog import Catalog, Spec, load_catalog
from tlbench.testing import (
    AnalysisSuite,
    BackboneSuite,
    DomainSuite,
    EstimatorSuite,
    FamilySuite,
    StrategySuite,
    TaskSuite,
)
from tlbench.testing.toy import toy_candidate

SUITES = {
    DomainSpec: DomainSuite,
    TaskSpec: TaskSuite,
    BackboneSpec: BackboneSuite,
    BackboneFamily: FamilySuite,
    StrategySpec: StrategySuite,
    EstimatorSpec: EstimatorSuite,
    AnalysisSpec: AnalysisSuite,
}
CATALOG = load_catalog(also=[toy_candidate()])
FOUND = (
    "cifar/resnet20",
    "spectrogram/test_resnet",
    "smp/test_resnet",
    "concat/image/resnet-small+image/resnet-strided",
)
"""Backbones of families, with new weights."""


def served_by(task: TaskSpec) -> tuple[str, object]:
    """Return what an export of a task runs: a kind, and the preprocessing of a backbone."""
    return task.kind.name, CATALOG.backbone(task.backbone).preprocess


EXPORTED = {served_by(task): task.name for task in reversed(CATALOG.tasks.values()) if task.data_from == "data-root"}
EXPORTED |= {served_by(task): task.name for task in CATALOG.tasks.values() if task.data_from == "package"}
"""What an export runs -> the task that it is checked on; generated data is smaller than published data."""


class Shared:
    """One catalog for all, and one cache: the toy's tasks are prepared, and their graphs exported, once."""

    def catalog(self) -> Catalog:
        return CATALOG

    def folder(self, tmp_path_factory: Any) -> Path:
        folder = tmp_path_factory.getbasetemp() / "conformance"
        folder.mkdir(exist_ok=True)
        return folder


def suite(spec: Spec) -> type:
    """Return the test class of a spec. Published data is run from end to end by the tests of its own plugin."""
    fields: dict[str, Any] = {"name": spec.name}
    if spec.name in FOUND:
        fields["options"] = {"weights": "random"}
    if isinstance(spec, StrategySpec) and "steps" in {option.name for option in spec.options}:
        fields["options"] = {"steps": 5}
    if isinstance(spec, TaskSpec) and spec.data_from == "data-root":
        fields["test_runs_to_a_result"] = None
        if EXPORTED[served_by(spec)] != spec.name:
            fields["test_export_predicts_what_was_scored"] = None
    if spec.name in ("text/bert-small", "text/gpt2", "audio/wav2vec2"):
        fields["test_export_matches_the_model"] = None  # Tracing is slow: text/bert-tiny and test_hf_texts.py do it.
    return type(f"Test {type(spec).__name__} {spec.name}", (Shared, SUITES[type(spec)]), fields)


for kind in ("domains", "tasks", "backbones", "families", "strategies", "estimators", "analyses"):
    for spec in getattr(CATALOG, kind).values():
        globals()[f"Test {kind} {spec.name}"] = suite(spec)
for name in FOUND:
    globals()[f"Test backbones {name}"] = suite(CATALOG.backbone(name))
