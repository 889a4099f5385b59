"""Valid names of specs."""

from __future__ import annotations

from collections.abc import Mapping

from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.specs import DomainSpec, StrategySpec, TaskSpec

DOMAIN = r"(?!(?i:readme)(?:/|$))\w(?:[\w-]*\w)?"
"""Names of domains are those of pages, beside README.md."""
NAMES: Mapping[type, str] = {
    DomainSpec: DOMAIN,
    TaskSpec: rf"{DOMAIN}/[\w.-]+",
    BackboneSpec: r"[\w.-]+(/[\w.-]+)?",
    BackboneFamily: r"[\w.-]+",
    StrategySpec: r"[\w.-]+",
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
