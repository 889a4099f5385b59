"""Valid names of specs."""

from __future__ import annotations

from collections.abc import Mapping

from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.specs import DomainSpec, StrategySpec, TaskSpec
from tlbench.results.row_checks import NAMES as OF_ROWS

NAMES: Mapping[type, str] = {
    DomainSpec: OF_ROWS["domain"],
    TaskSpec: OF_ROWS["task"],
    BackboneSpec: r"[\w.-]+(/[\w.-]+)?",
    BackboneFamily: r"[\w.-]+",
    StrategySpec: OF_ROWS["strategy"],
    EstimatorSpec: r"[\w.-]+",
    AnalysisSpec: r"[\w.-]+",
}
"""Valid names: they become parts of file names, and the domain of a task is the first part of its name."""
FORMS: Mapping[type, str] = {
    DomainSpec: "NAME",
    TaskSpec: "DOMAIN/NAME",
    BackboneSpec: "NAME or MODALITY/NAME",
    BackboneFamily: "NAME",
    StrategySpec: "NAME",
    EstimatorSpec: "NAME",
    AnalysisSpec: "NAME",
}
"""The forms of valid names, for messages."""
