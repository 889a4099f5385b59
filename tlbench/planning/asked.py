"""Estimators and analyses of a run request: found, their packages and options checked, and where they fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.specs import Setting, TaskSpec
from tlbench.errors import UsageError
from tlbench.planning.catalog import Catalog, missing
from tlbench.planning.compatibility import lacking_traits
from tlbench.planning.overrides import Overrides
from tlbench.planning.plan_parts import Asked, D


@dataclass(frozen=True, kw_only=True)
class Diagnostics:
    """What was asked for beside scores."""

    estimators: tuple[Asked[EstimatorSpec], ...]
    analyses: tuple[Asked[AnalysisSpec], ...]

    def fields(self, task: TaskSpec, setting: Setting, backbone: BackboneSpec) -> dict[str, Any]:
        """Return the fields of a pairing: those that fit a task and a backbone, and why others are left out."""
        asked: list[Asked[Any]] = [*self.estimators, *self.analyses]
        left_out = {one.label: why for one in asked if (why := lacking_traits(task, setting, backbone, one.spec))}
        return {
            "estimators": tuple(one for one in self.estimators if one.label not in left_out),
            "analyses": tuple(one for one in self.analyses if one.label not in left_out),
            "left_out": left_out,
        }


def find_diagnostics(
    estimators: Sequence[str], analyses: Sequence[str], catalog: Catalog, overrides: Overrides
) -> Diagnostics:
    """Return what is asked for by name. Raises `UsageError` for an unknown name, or if a package is missing."""
    return Diagnostics(
        estimators=tuple(_asked(catalog.estimator(name), "estimator", overrides) for name in dict.fromkeys(estimators)),
        analyses=tuple(_asked(catalog.analysis(name), "analysis", overrides) for name in dict.fromkeys(analyses)),
    )


def _asked(spec: D, sort: str, overrides: Overrides) -> Asked[D]:
    # Somebody asked for it by name: to leave it out with a line at the end would come too late.
    if lacking := missing(spec):
        raise UsageError(f"{lacking}.")
    return Asked(spec=spec, options=overrides.resolve((sort, spec.name), spec.options))
