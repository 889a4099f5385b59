"""A plan: pairings with the value of every option, and the keys of their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench.contract.backbone_specs import BackboneSpec, Checkpoint
from tlbench.contract.budget import Budget
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.editions import API_VERSION
from tlbench.contract.options import CHECKPOINT_KEY, PARTIAL, OptionValue
from tlbench.contract.requests import Augment, LoadRequest, learns_nothing
from tlbench.contract.specs import EMPTY, Setting, StrategySpec, TaskSpec
from tlbench.contract.task_data import Access
from tlbench.planning import fingerprints
from tlbench.planning.augmentation import Named, identity_of, usual_strength, with_named
from tlbench.planning.code import code_identity
from tlbench.planning.plan_parts import Asked, Extension, FitInputs, Remembered, data_options
from tlbench.planning.rules import BY_PROBABILITIES, SETS_ASIDE, own_rule
from tlbench.planning.settings import Settings
from tlbench.results.files import digest
from tlbench.results.schema_1 import spelling

WHOLE_TARGET = frozenset({Access.TARGET_INPUTS, Access.TARGET_ALL_LABELS})
"""Access to any of these is access to all training inputs of the target."""
NOTHING_NAMED = "the task has no source domain; name a task to remember with --remember"
NEW_WEIGHTS = "the strategy does not start from the source model"


def key_of(
    names: tuple[str, str, str], seed: int, label_budget: Budget, contents: tuple[str, str, str], others: Sequence[Any]
) -> str:
    """Return 12 hex digits that identify what is measured.

    `names` are those of task, backbone and strategy; `contents` name the task's files, the checkpoint and a strategy's
    own code, empty without the last two; `others` are the options, after what only pairings without a source have.
    """
    task, backbone, strategy = names
    files, *named = contents
    # A total is hashed as a number: existing keys must not change.
    budget = label_budget.total or str(label_budget)
    start = (task, backbone, spelling(strategy), seed, budget, files)
    return digest([*start, *filter(None, named), *others])[:12]


def is_weights(option: str, value: OptionValue) -> bool:
    """Return whether an option of a backbone names a file of weights: its own, or those of a part of it."""
    return isinstance(value, str) and (option == "weights" or option.endswith("_weights"))


@dataclass(frozen=True, kw_only=True)
class SourcePlan:
    """A source model to be: (task, backbone, seed) with every option decided."""

    task: TaskSpec
    backbone: BackboneSpec
    seed: int
    task_options: Mapping[str, OptionValue]
    backbone_options: Mapping[str, OptionValue]
    source_options: Mapping[str, OptionValue]
    fingerprint: str
    """Hash of the files that the task reads."""
    setting: Setting
    """How the labels of both domains relate: as the task's files say, else as the task does."""
    data_root: Path | None = None
    """The folder of published data."""
    checkpoint: Checkpoint | None = None
    """The files of the backbone's pre-trained weights."""
    weights: str = ""
    """Names the contents of the checkpoint's files."""

    @property
    def load_request(self) -> LoadRequest:
        """The argument of the task's functions."""
        return LoadRequest(task=self.task.name, options=self.task_options, data_root=self.data_root)

    @property
    def files(self) -> Mapping[str, Path]:
        """The checkpoint's files by role."""
        return self.checkpoint.files if self.checkpoint else EMPTY

    @property
    def has_source(self) -> bool:
        """False for a task without a source domain."""
        return self.setting != "target-only"

    @property
    def fit_inputs(self) -> FitInputs | None:
        """What the backbone learns vocabulary and statistics from; None for the source's training inputs."""
        return None

    @property
    def source_mode(self) -> str:
        """`none` without a source, `train` for a backbone with random weights, else the option `source.mode`."""
        if not self.has_source:
            return "none"
        pretrained = self.checkpoint is not None and self.checkpoint.pretrained
        return str(self.source_options.get("mode", "train")) if pretrained else "train"

    @property
    def sets_aside_source(self) -> bool:
        """Whether the source model does without the source examples by which a selection rule chooses."""
        return False

    @property
    def varied_task(self) -> TaskSpec:
        """The task, with the transformations of training batches that the user named for it."""
        return with_named(self.task, self.task_options)

    @property
    def transformations(self) -> tuple[str, ...]:
        """The transformations of training batches."""
        return self.varied_task.augment

    def model_options(self) -> dict[str, OptionValue]:
        """Return the backbone's options, with the name of a weights file instead of its path.

        `partial` and `key` count only if they are set: by default they change nothing.
        """
        options = dict(self.backbone_options)
        for option in (PARTIAL, CHECKPOINT_KEY):
            if not options.get(option.name, True):
                del options[option.name]
        shown = {name: Path(str(value)).name for name, value in options.items() if is_weights(name, value)}
        return {name: shown.get(name, value) for name, value in options.items()}

    def data_options(self) -> dict[str, OptionValue]:
        """Return the task options that change the data, including data sets of the hub but no local paths."""
        return data_options(self.task, self.task_options)


@dataclass(frozen=True, kw_only=True)
class Pairing(SourcePlan):
    """One row to be: a source model, and the strategy that adapts it."""

    strategy: StrategySpec
    strategy_options: Mapping[str, OptionValue]
    label_budget: Budget
    skip: str = ""
    """Why the pairing makes no sense, or cannot run here; empty for one that runs."""
    remembered: Remembered | None = None
    """The task on which forgetting is measured, of a pairing without a source."""
    teacher: Pairing | None = None
    """The same with the backbone that the strategy learns from."""
    estimators: tuple[Asked[EstimatorSpec], ...] = ()
    """What is estimated before adaptation; the key of the row does not hold it."""
    analyses: tuple[Asked[AnalysisSpec], ...] = ()
    """What is analysed after adaptation; the key of the row does not hold it."""
    left_out: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    """Estimators and analyses that were asked for and do not fit, each with the reason."""
    curves: bool = False
    """Whether the score is measured over training too; the key of the row does not hold it."""
    select: str = ""
    """The rule that the user named in place of the strategy's own; empty for that."""
    augment: Named = ""
    """The strength that the user named in place of the task's own; empty for that."""
    few_labels: bool = False
    """Whether the strategy is tuned also by few labels; set while it is tuned."""
    own_code: str = ""
    """Names the code of a strategy that the user passed as a function; no plugin does."""
    published: bool = True
    """False if that code cannot be named: nobody could say what the result is a result of."""

    @property
    def fit_inputs(self) -> FitInputs | None:
        """What the backbone learns vocabulary and statistics from; None for the source's training inputs, or if it
        learns nothing."""
        # Strategies of one seed and budget share the prepared data, as do all that may see every target input.
        if self.has_source or self.backbone.fit is learns_nothing:
            return None
        return (
            FitInputs() if self.strategy.access & WHOLE_TARGET else FitInputs(seed=self.seed, budget=self.label_budget)
        )

    @property
    def selection(self) -> str:
        """The rule by which the model is chosen."""
        return self.select or own_rule(self.strategy, self.task)

    @property
    def sets_aside_source(self) -> bool:
        return SETS_ASIDE.get(self.selection) == "source" and self.source_mode not in ("none", "own-head")

    @property
    def host_rule(self) -> str:
        """The rule by which the host chooses among the models of a training; empty if it does not."""
        rule = self.selection
        return rule if rule != "last" and (self.select or rule in BY_PROBABILITIES) else ""

    @property
    def strength(self) -> Augment | None:
        """How far the strategy's training batches are varied; None if it declares to draw none that are."""
        return (self.augment or self.task.augment_strength) if self.strategy.augments else None

    @property
    def forgetting_reason(self) -> str | None:
        """Why forgetting cannot be measured; None if it can."""
        if not self.strategy.from_source:
            return NEW_WEIGHTS
        return None if self.has_source or self.remembered else NOTHING_NAMED

    @property
    def extension(self) -> Extension | None:
        """The strategy's change of the architecture, or None."""
        extend = self.strategy.extend
        return None if extend is None else Extension(extend=extend, options=self.strategy_options)

    @property
    def title(self) -> str:
        return f"{self.task.name} {self.backbone.name} {self.strategy.name} seed {self.seed}"

    def key(self) -> str:
        """Return 12 hex digits that identify what is measured, independent of machine and versions."""
        asked = (self.data_options(), self.model_options(), self.source_options, self.strategy_options)
        names = (self.task.name, self.backbone.name, self.strategy.name)
        contents = (self.fingerprint, self.weights, self.own_code)
        return key_of(names, self.seed, self.label_budget, contents, [*self._alone(), *map(dict, asked)])

    def _alone(self) -> list[Any]:
        """Return what identifies a pairing without a source, or a rule or strength of the user's; nothing of others."""
        chosen = identity_of(self.select, self.augment)
        if self.has_source:
            return chosen
        kept = self.remembered
        return [self.setting, *([kept.task.name, kept.fingerprint, kept.data_options()] if kept else []), *chosen]

    def row_fields(self, settings: Settings) -> dict[str, Any]:
        """Return the fields of the row that are known before the run."""
        return {
            "task": self.task.name,
            "domain": self.task.domain,
            "backbone": self.backbone.name,
            "strategy": self.strategy.name,
            "seed": self.seed,
            "key": self.key(),
            "machine": fingerprints.machine(),
            "setting": self.setting,
            "access": tuple(sorted(self.strategy.access)),
            "label_budget": self.label_budget.total,
            "budget_rule": "" if self.label_budget.total else str(self.label_budget),
            "budget_unit": self.task.kind.unit,
            "selection": self.selection,
            "augmentation": self.augment or usual_strength(self.varied_task, self.backbone),
            "baseline": self.strategy.baseline,
            "task_options": self.data_options(),
            "files": self.fingerprint if self.task.data_from == "user" else "",
            "backbone_options": self.model_options(),
            "weights": self.checkpoint.origin if self.checkpoint else "random",
            "weights_sha256": self.weights or None,
            "source_mode": self.source_mode,
            "source_options": dict(self.source_options),
            "strategy_options": dict(self.strategy_options),
            "metric": self.task.metric,
            "forgetting_reason": self.forgetting_reason,
            **self._remembered_fields(),
            "processor_class": fingerprints.processor_class(),
            "device": settings.device,
            "device_name": fingerprints.device_name(settings.device),
            "threads": settings.threads,
            "precision": settings.training_precision,
            "accumulation_steps": settings.accumulation_steps,
            "compiled": settings.compiled,
            "api_version": API_VERSION,
            "strategy_code": str(code_identity(self.strategy.adapt)["code"]),
        }

    def _remembered_fields(self) -> dict[str, Any]:
        kept = self.remembered
        if kept is None:
            return {}
        files = kept.fingerprint if kept.task.data_from == "user" else ""
        return {"remembered": kept.task.name, "remembered_options": kept.data_options(), "remembered_files": files}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All pairings in the order in which they run."""

    pairings: tuple[Pairing, ...]
