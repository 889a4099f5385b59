"""Specs -> results: every check of every spec of one plugin, without pytest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.specs import DomainSpec, StrategySpec, TaskSpec
from tlbench.errors import MissingDataError, NotApplicable, TlbenchError, describe
from tlbench.planning.catalog import Catalog, Spec
from tlbench.planning.discovery import PluginOrigin
from tlbench.planning.guard import pass_signal
from tlbench.testing import analyses, backbones, domains, estimators, families, strategies, tasks
from tlbench.testing.bench import Bench, Check
from tlbench.testing.specs import sort_of

CHECKS: Mapping[type[Spec], Sequence[Check[Any]]] = {
    DomainSpec: domains.CHECKS,
    TaskSpec: tasks.CHECKS,
    BackboneSpec: backbones.CHECKS,
    BackboneFamily: families.CHECKS,
    StrategySpec: strategies.CHECKS,
    EstimatorSpec: estimators.CHECKS,
    AnalysisSpec: analyses.CHECKS,
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one check of one spec gave."""

    spec: str
    """Its kind and name: `task toy/blobs`."""
    check: str
    status: Literal["ok", "note", "skipped", "failed"]
    reason: str = ""
    """What is wrong, what to look at, or why the check was not made."""


def specs_of(catalog: Catalog, origins: Sequence[PluginOrigin]) -> list[Spec]:
    """Return everything in a catalog that comes from these plugins."""
    everything: list[Spec] = [
        *catalog.domains.values(),
        *catalog.tasks.values(),
        *catalog.backbones.values(),
        *catalog.families.values(),
        *catalog.strategies.values(),
        *catalog.estimators.values(),
        *catalog.analyses.values(),
    ]
    return [spec for spec in everything if catalog.origin(spec) in origins]


def check_spec(spec: Spec, catalog: Catalog, folder: Path, plugin: Path | None = None) -> Iterator[Result]:
    """Make every check of a spec, in a folder for caches and boards."""
    bench = Bench(catalog=catalog, folder=folder, plugin=plugin)
    for check in CHECKS[type(spec)]:
        status, reason = make(check, spec, bench)
        yield Result(
            spec=f"{sort_of(spec)} {spec.name}", check=check.__name__.replace("_", " "), status=status, reason=reason
        )


def make(check: Check[Any], spec: Spec, bench: Bench) -> tuple[Literal["ok", "note", "skipped", "failed"], str]:
    """Make one check; return its status and the reason. Nothing that a plugin raises goes further."""
    try:
        note = check(spec, bench)
    except (MissingDataError, NotApplicable) as error:
        return "skipped", str(error)
    except TlbenchError as error:
        return "failed", str(error)
    except BaseException as error:  # noqa: BLE001 - a plugin may raise anything; it is a failed check
        pass_signal(error)
        return "failed", describe(error)
    return ("note", note) if note else ("ok", "")
