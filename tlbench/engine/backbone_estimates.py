"""What estimators say of several backbones on one task, before anything is adapted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tlbench.contract.events import Event
from tlbench.contract.options import OptionValue
from tlbench.engine.store import Store
from tlbench.errors import StageError, TlbenchError, UsageError, describe
from tlbench.planning.catalog import Catalog, missing
from tlbench.planning.expand import make_plan
from tlbench.planning.plan import Pairing
from tlbench.planning.selection import NONE, RunRequest
from tlbench.planning.settings import Settings
from tlbench.results.baselines import CONSTANT


@dataclass(frozen=True, kw_only=True)
class BackboneEstimates:
    """One backbone on one task."""

    backbone: str
    weights: int | None = None
    """Numbers in the encoder's parameters; None if it could not be built."""
    estimates: Mapping[str, float] = field(default_factory=dict)
    """Estimator -> number; higher means: expected to transfer better."""
    without: Mapping[str, str] = field(default_factory=dict)
    """Estimator -> why it has no number."""
    failed: str = ""
    """Why nothing is known."""


def plan_estimates(
    task: str,
    backbones: Sequence[str],
    budget: str,
    seed: int,
    overrides: Mapping[str, OptionValue],
    catalog: Catalog,
    settings: Settings,
) -> list[Pairing]:
    """Return a pairing for each backbone. A checkpoint starts as it is, unless `source.mode` says otherwise.

    Raises `UsageError` for unknown names, and for backbones of another modality than the task.
    """
    estimators = [name for name, spec in catalog.estimators.items() if not missing(spec)]
    wanted = catalog.task(task)
    requests = []
    for backbone in (catalog.backbone(name) for name in dict.fromkeys(backbones)):
        if backbone.modality != wanted.modality:
            raise UsageError(
                f'"{backbone.name}" takes {backbone.modality} inputs, but "{task}" has {wanted.modality} inputs: leave '
                f"it out."
            )
        start = {"source.mode": "probe"} if backbone.checkpoint else {}
        requests.append(
            RunRequest(
                tasks=[task],
                backbones=[backbone.name],
                strategies=[CONSTANT],  # A pairing has one; it is not run, and this one fits every task.
                references=[NONE],
                estimators=estimators,
                seeds=[seed],
                label_budgets=[budget] if budget else [],
                overrides={**start, **overrides},
            )
        )
    return list(make_plan(requests, catalog, settings).pairings)


def estimate_backbones(
    pairings: Sequence[Pairing], settings: Settings, catalog: Catalog
) -> Iterator[BackboneEstimates]:
    """Yield what is found of each backbone; one that fails says why, and the others go on."""
    catalog.notify(Event(name="plan-started", total=len(pairings)))
    store = Store(root=settings.cache, notify=catalog.notify)
    for pairing in pairings:
        catalog.notify(Event(name="pairing-started", pairing=f"{pairing.backbone.name} on {pairing.task.name}"))
        try:
            yield _estimated(pairing, settings, store)
        except StageError as error:
            yield BackboneEstimates(backbone=pairing.backbone.name, failed=describe(error.__cause__ or error))
        except TlbenchError as error:
            yield BackboneEstimates(backbone=pairing.backbone.name, failed=describe(error))


def _estimated(pairing: Pairing, settings: Settings, store: Store) -> BackboneEstimates:
    from tlbench.engine.diagnostics import row_fields_of, run_diagnostics
    from tlbench.engine.models import read_source
    from tlbench.engine.pipeline import SCORED, run_stages
    from tlbench.engine.prepared import Prepared

    if pairing.skip:
        return BackboneEstimates(backbone=pairing.backbone.name, failed=pairing.skip)
    done = run_stages(pairing, settings, store, SCORED[:2])
    model = read_source(pairing, Prepared.read(done["prepare"].folder), settings.device, done["source"].folder)
    found = run_diagnostics(pairing, settings, store, done)
    return BackboneEstimates(
        backbone=pairing.backbone.name,
        weights=sum(weight.numel() for weight in model.encoder.parameters()),
        estimates=row_fields_of(found).get("estimates", {}),
        without=found.failed,
    )
