"""What a user asks for, and the specs that it selects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.options import OptionValue
from tlbench.contract.specs import StrategySpec, TaskSpec
from tlbench.contract.task_data import Access
from tlbench.errors import UnknownNameError, UsageError
from tlbench.planning.augmentation import named_strengths
from tlbench.planning.catalog import Catalog

ALL, NONE = "all", "none"


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What a user asked for. Empty sequences stand for the default."""

    tasks: Sequence[str] = ()
    backbones: Sequence[str] = ()
    strategies: Sequence[str] = ()
    """Names, or `all`; by default all that are not on request."""
    references: Sequence[str] = (ALL,)
    """Baselines that are run too: `all`, `none`, or names."""
    estimators: Sequence[str] = ()
    """What is estimated before adaptation; by default nothing."""
    analyses: Sequence[str] = ()
    """What is analysed after adaptation; by default nothing."""
    curves: bool = False
    """Whether the score is measured over training too."""
    seeds: Sequence[int] = (0, 1, 2)
    label_budgets: Sequence[str] = ()
    """`50`, `5/class`, `all`: each strategy with access to target labels runs with each of them."""
    augment: Sequence[str] = ()
    """`none`, `weak`, `strong`: each strategy that trains on batches which are varied runs with each of them."""
    select: str = ""
    """The rule by which the host chooses among the models of a training, for strategies that leave it to the user."""
    tune: int = 0
    """Settings that are tried for each strategy that can be tuned, on folds of its label budget."""
    overrides: Mapping[str, OptionValue] = field(default_factory=dict)
    """`OWNER.NAME` -> value."""
    of_suite: Sequence[str] = ()
    """Names of overrides that a suite set for what a user replaced: nothing of them need be selected any more."""
    remember: str = ""
    """A task on which forgetting is measured, for tasks without a source; its options are `remember.NAME`."""
    quick: bool = False
    """Train with a quarter of the steps, to check that everything runs."""
    skip_missing: bool = False
    """Skip tasks whose data is missing and cannot be downloaded, as in a suite whose tasks nobody named."""


class Selection:
    """The specs that a run request selects."""

    def __init__(self, run_request: RunRequest, catalog: Catalog) -> None:
        named = [catalog.task(name) for name in dict.fromkeys(run_request.tasks)]
        self.tasks = named or [task for task in catalog.tasks.values() if task.data_from == "package"]
        self.backbones = [catalog.backbone(name) for name in dict.fromkeys(run_request.backbones)]
        self.strategies = _with_baselines(run_request.strategies, run_request.references, catalog)
        self.pairs = [(task, backbone) for task in self.tasks for backbone in _fitting(task, self.backbones, catalog)]

    def count(self, run_request: RunRequest) -> int:
        """Return the number of runs without expanding them."""
        sweeps = len(set(run_request.label_budgets)) or 1
        strengths = len(named_strengths(run_request.augment)) or 1
        runs = sum(
            (sweeps if Access.TARGET_LABELS in strategy.access else 1) * (strengths if strategy.augments else 1)
            for strategy in self.strategies
        )
        return len(self.pairs) * runs * len(run_request.seeds)


def _with_baselines(names: Sequence[str], references: Sequence[str], catalog: Catalog) -> list[StrategySpec]:
    """Return the named strategies, all, or by default those that nobody has to name, with the baselines asked for."""
    strategies = list(catalog.strategies.values())
    baselines = _references(references, strategies)
    if not names:
        return [spec for spec in strategies if (spec in baselines if spec.baseline else not spec.on_request)]
    offered = [spec.name for spec in strategies if not spec.baseline]
    named = [one for name in names for one in (offered if name == ALL else [name])]
    selected = [catalog.strategy(name) for name in dict.fromkeys(named)]
    return [*selected, *(spec for spec in baselines if spec not in selected)]


def _references(names: Sequence[str], strategies: Sequence[StrategySpec]) -> list[StrategySpec]:
    """Return baselines by name, or all or none of them. Raises `UsageError` for a name that is none of a baseline."""
    baselines = {spec.name: spec for spec in strategies if spec.baseline}
    if len(names) == 1 and names[0] in (ALL, NONE):
        return list(baselines.values()) if names[0] == ALL else []
    for name in names:
        if name in (ALL, NONE):
            raise UsageError(f'"{name}" stands for baselines itself: name it alone, or name baselines.')
        if name not in baselines:
            raise UnknownNameError("baseline", name, [*baselines, ALL, NONE])
    return [baselines[name] for name in dict.fromkeys(names)]


def _fitting(task: TaskSpec, selected: Sequence[BackboneSpec], catalog: Catalog) -> list[BackboneSpec]:
    """Return the selected backbones of the task's modality; if none is selected, the task's default."""
    if not selected:
        return [catalog.backbone(task.backbone)]
    return [backbone for backbone in selected if backbone.modality == task.modality]
