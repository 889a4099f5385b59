"""The stages of a pairing in their order, and the way down: each result is found in the store, or computed there.

What a stage leaves is read back from disk also by the run that computed it, so that a resumed run and an undisturbed
one go the same way. A new stage is a file in `stages/` and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from tlbench.contract.events import Event
from tlbench.engine.contents import PART
from tlbench.engine.stage import Declared, OnStep, Stage, Work, stage_identity
from tlbench.engine.stages import (
    adapt,
    analyse,
    curve,
    estimate,
    export,
    features,
    graph,
    latency,
    prepare,
    recall,
    remember,
    score,
    source,
    teach,
    trial,
)
from tlbench.engine.store import DamagedStageError, Store, StoredStage
from tlbench.errors import StoreError
from tlbench.planning.plan import SourcePlan
from tlbench.planning.settings import Settings
from tlbench.results.files import write_json

SCORED: tuple[Stage, ...] = (
    prepare.STAGE,
    source.STAGE,
    features.STAGE,
    remember.STAGE,
    teach.STAGE,
    adapt.STAGE,
    score.STAGE,
    recall.STAGE,
    graph.STAGE,
    export.STAGE,
)
"""The stages of every row, up to its scores."""
SHARED = ("prepare", "source", "features", "remember")
"""Stages whose results the strategies of a task, a backbone and a seed share."""
STARTS = (prepare.STAGE, source.STAGE, teach.STAGE)
"""What a strategy starts from."""
DIAGNOSTICS: tuple[Stage, ...] = (estimate.STAGE, analyse.STAGE, curve.STAGE)
"""Stages on demand: `tlbench.engine.diagnostics` runs them after the others, so that none can cost a row its score."""
TRIAL = trial.STAGE
"""One setting of a strategy that is tuned: `tlbench.engine.tuning` runs one after the other, before `adapt`."""
LATENCY = latency.STAGE
"""The stage that waits until every pairing is done, for it takes the machine to itself."""
PIPELINE: tuple[Stage, ...] = (*SCORED, TRIAL, *DIAGNOSTICS, LATENCY)


class NotComputed(Exception):  # noqa: N818 - an answer, not an error
    """A stage is not in a store that only finds."""

    done: Mapping[str, StoredStage] = MappingProxyType({})
    """The stages above it, which were found."""


def run_stages(
    plan: SourcePlan, settings: Settings, store: Store, stages: Sequence[Stage] = SCORED
) -> dict[str, StoredStage]:
    """Bring stages into the store, in their order. Raises `StageError` that names the one that failed."""
    # Each stage is damaged at most once in a run, unless the disk itself is at fault.
    for _ in stages:
        done: dict[str, StoredStage] = {}
        try:
            for stage in (one for one in stages if one.needed(plan)):
                done[stage.name] = run_stage(stage, plan, settings, store, done)
            return done
        except NotComputed as lacking:
            lacking.done = done
            raise
        except DamagedStageError:
            continue  # It is computed again; later stages are found in the cache.
    raise StoreError(f'Files in the cache "{settings.cache}" changed while they were used: check the disk.')


def run_stage(
    stage: Stage, plan: SourcePlan | None, settings: Settings, store: Store, done: Mapping[str, StoredStage]
) -> StoredStage:
    """Return one stage, given those above it: found in the store, or computed. `latency` reads no plan.

    Raises `NotComputed` if it would have to be computed in a store that only finds.
    """
    after = [name for name in stage.after if name in done]
    above = {name: done[name].folder for name in after}
    keys = {name: done[name].key for name in after}
    try:
        identity = stage_identity(stage, plan, settings, keys, above)
    except StoreError:  # What it is made of cannot be read: a stage above is damaged.
        for name in after:
            store.check_again(done[name])
        raise
    if found := store.find(stage.name, identity):
        store.notify(Event(name="stage-finished", stage=stage.name, seconds=found.seconds, cached=True))
        return found
    if not store.computes:
        raise NotComputed(stage.name)
    # Found whole by a remembered hash is enough to say that nothing is to do; to compute with it is to read it again.
    for name in after:
        store.check_again(done[name])
    if plan is not None:  # A measurement has a process of its own.
        _set_up(settings.threads)

    def compute(folder: Path) -> None:
        part = stage.compute(work_of(stage, plan, settings, above, folder, _steps(stage, plan, store)))
        if part is not None:
            write_json(folder / PART, part.to_json())

    return store.compute(stage.name, identity, compute)


def _set_up(threads: int) -> None:
    """Load what the first stage of a process would otherwise be charged with: seconds stand on rows."""
    # These bring torch, onnx and scikit-learn: some seconds that belong to no stage.
    from tlbench.engine import scoring, serving, source_model  # noqa: F401
    from tlbench.learning.device import set_up

    set_up(threads)


def work_of(
    stage: Stage, plan: SourcePlan | None, settings: Settings, above: Mapping[str, Path], folder: Path, on_step: OnStep
) -> Work:
    """Return what a stage is given: of pairing and settings it can read what it and the stages above it declare."""
    paths = frozenset(readable(stage))
    return Work(
        pairing=Declared(plan, paths, stage.name),  # type: ignore[arg-type]
        settings=Declared(settings, paths, stage.name, "settings."),  # type: ignore[arg-type]
        above=above,
        folder=folder,
        on_step=on_step,
    )


def readable(stage: Stage) -> set[str]:
    """Return the inputs that a stage may read: its own, and those of the stages above it, which its key holds too."""
    by_name = {other.name: other for other in PIPELINE}
    # Where content counts the keys above do not: what they hold is not in this stage's key.
    inherited = [readable(by_name[name]) for name in stage.after] if stage.content is None else []
    return set(stage.inputs).union(*inherited)


def _steps(stage: Stage, plan: SourcePlan | None, store: Store) -> OnStep:
    """Return what reports training steps as events."""
    options = getattr(plan, "source_options" if stage.name == "source" else "strategy_options", {})

    def report(step: int, loss: float) -> None:
        total = int(options.get("steps", 0))
        store.notify(Event(name="step", stage=stage.name, done=step, total=total, values={"loss": loss}))

    return report
