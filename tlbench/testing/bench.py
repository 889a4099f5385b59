"""What the checks of one spec work with, and what a check answers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.kind_specs import CLASS_PROBABILITIES
from tlbench.contract.options import OptionValue
from tlbench.contract.specs import EMPTY, DomainSpec, StrategySpec, TaskSpec
from tlbench.contract.task_data import TaskData
from tlbench.engine.given import declared_parts
from tlbench.engine.pairing import run_pairing
from tlbench.engine.prepared import Prepared, prepare
from tlbench.engine.source_model import train_source
from tlbench.engine.store import Store
from tlbench.engine.teaching import teach
from tlbench.errors import ContractError, MissingDataError, NotApplicable
from tlbench.learning.model import TransferModel
from tlbench.planning.catalog import Catalog, Requiring, missing
from tlbench.planning.expand import make_plan
from tlbench.planning.plan import Pairing
from tlbench.planning.selection import RunRequest
from tlbench.planning.settings import Settings
from tlbench.results.row import Row
from tlbench.testing.trials import Trial, attempt

S = TypeVar("S", DomainSpec, TaskSpec, BackboneSpec, BackboneFamily, StrategySpec, EstimatorSpec, AnalysisSpec)
Check = Callable[[S, "Bench"], str | None]
"""Raises what is wrong, with what to do about it; returns a note on what a person should look at, or None."""
STRATEGY = "nearest-mean"
"""The toy's strategy, which fits every backbone and kind with classes or a probe."""
TRAINING = "finetune"
"""What runs a kind that has neither, such as spans, transcripts or boxes: by its loss alone, for one step."""


class NotApplicableError(MissingDataError):
    """A check does not apply to this spec, or cannot be made here; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Catalog, folder and options for the checks of one spec; what one check has made, the next finds."""

    catalog: Catalog
    folder: Path
    """A folder of its own: cache and board lie in it, never the user's."""
    plugin: Path | None = None
    """The folder or file that the plugin comes from; None for an installed one."""
    options: Mapping[str, OptionValue] = field(default_factory=lambda: EMPTY)
    """Options of the spec, for speed or to name its files."""
    _data: dict[str, TaskData] = field(default_factory=dict, repr=False)
    _prepared: dict[str, Prepared] = field(default_factory=dict, repr=False)
    _sources: dict[str, tuple[Prepared, TransferModel]] = field(default_factory=dict, repr=False)
    _trials: dict[str, Trial] = field(default_factory=dict, repr=False)
    _rows: dict[str, Row] = field(default_factory=dict, repr=False)

    @cached_property
    def settings(self) -> Settings:
        """CPU, one thread, a cache and a board below the folder; real data where `TLBENCH_DATA` names it."""
        return Settings(cache=self.folder / "cache", board=self.folder / "board")

    def pairing(
        self,
        task: str,
        backbone: str,
        strategy: str = STRATEGY,
        overrides: Mapping[str, OptionValue] = EMPTY,
        estimators: Sequence[str] = (),
        analyses: Sequence[str] = (),
    ) -> Pairing:
        """Return the pairing of these three with seed 0, whether it makes sense or not."""
        run_request = RunRequest(
            tasks=[task],
            backbones=[backbone],
            strategies=[strategy],
            estimators=estimators,
            analyses=analyses,
            seeds=(0,),
            overrides=overrides,
        )
        plan = make_plan([run_request], self.catalog, self.settings)
        return next(pairing for pairing in plan.pairings if pairing.strategy.name == strategy)

    def pairing_of_task(self, task: TaskSpec) -> Pairing:
        """Return a task's pairing with its own backbone, the source model trained for one step."""
        options = {f"task.{name}": value for name, value in self.options.items()}
        strategy = STRATEGY if {"probe", CLASS_PROBABILITIES} & set(task.kind.traits) else TRAINING
        steps = {"source.steps": 1, **({"strategy.steps": 1} if strategy == TRAINING else {})}
        return self.pairing(task.name, task.backbone, strategy, {**steps, **options})

    def data(self, task: TaskSpec) -> TaskData:
        """Return a task's raw data, loaded once."""
        if task.name not in self._data:
            request = self.pairing_of_task(task).load_request
            self._data[task.name] = task.load(request)
        return self._data[task.name]

    def keep(self, task: TaskSpec, data: TaskData) -> None:
        """Keep data that a check has loaded."""
        self._data[task.name] = data

    def prepared(self, pairing: Pairing) -> Prepared:
        """Return a pairing's prepared data."""
        if pairing.title not in self._prepared:
            made = prepare(pairing, Path(tempfile.mkdtemp(dir=self.folder)))
            if pairing.teacher is not None:
                taught = Path(tempfile.mkdtemp(dir=self.folder))
                teach(pairing.teacher, made, taught, "cpu", ignore)
                made = replace(made, taught=taught)
            self._prepared[pairing.title] = made
        return self._prepared[pairing.title]

    def source(self, pairing: Pairing) -> tuple[Prepared, TransferModel]:
        """Return a pairing's prepared data and a source model."""
        if pairing.title not in self._sources:
            prepared = self.prepared(pairing)
            self._sources[pairing.title] = prepared, train_source(pairing, prepared, "cpu", ignore).eval()
        return self._sources[pairing.title]

    def trial(self, pairing: Pairing) -> Trial:
        """Return what the pairing's strategy does with its source model."""
        if pairing.title not in self._trials:
            prepared, source = self.source(pairing)
            self._trials[pairing.title] = attempt(pairing, prepared, source, declared_parts(pairing, prepared))
        return self._trials[pairing.title]

    def row(self, pairing: Pairing) -> Row:
        """Run a pairing up to its exported file.

        Raises `ContractError` with the stage and the cause where it fails, `NotApplicable` where it is skipped.
        """
        if pairing.title not in self._rows:
            store = Store(root=self.settings.cache, notify=lambda event: None)
            self._rows[pairing.title] = run_pairing(pairing, self.catalog, self.settings, store).row
        row = self._rows[pairing.title]
        if row.status == "skipped":
            raise NotApplicable(row.reason or "")
        if row.status != "ok":
            raise ContractError(f"{pairing.title}: {row.stage}: {row.reason}")
        return row


def ignore(step: int, loss: float) -> None:
    """Take a step's loss and do nothing."""


def need(spec: Requiring) -> None:
    """Raise `NotApplicableError` where packages that a spec needs are not installed."""
    if absent := missing(spec):
        raise NotApplicableError(absent)
