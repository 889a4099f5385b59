"""What a run consists of: settings, pairings with every option decided, and the identities of their results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench.contract.budget import Budget
from tlbench.contract.options import PARTIAL, OptionValue
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import EMPTY, HUB, BackboneSpec, Checkpoint, StrategySpec, TaskSpec
from tlbench.planning import fingerprints
from tlbench.planning.settings import Settings
from tlbench.results.files import digest
from tlbench.results.schema_1 import spelling

PLACES = ("source", "target")
"""Task options that say where files lie: what is in the files counts, not where they are."""


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
    """Names the contents of the files that the task reads."""
    data_root: Path | None = None
    """The folder of published data."""
    checkpoint: Checkpoint | None = None
    """Where the backbone's pre-trained weights lie."""
    weights: str = ""
    """Names the contents of the checkpoint's files."""

    @property
    def load_request(self) -> LoadRequest:
        """What the task's functions are given."""
        return LoadRequest(task=self.task.name, options=self.task_options, data_root=self.data_root)

    @property
    def files(self) -> Mapping[str, Path]:
        """The checkpoint's files by role."""
        return self.checkpoint.files if self.checkpoint else EMPTY

    @property
    def source_mode(self) -> str:
        """`train` for a backbone that starts at random, else the option `source.mode`."""
        pretrained = self.checkpoint is not None and self.checkpoint.pretrained
        return str(self.source_options.get("mode", "train")) if pretrained else "train"

    def model_options(self) -> dict[str, OptionValue]:
        """Return the backbone's options; of a file of weights its name, for its contents count and not its place.

        `partial` counts only if it is true: a checkpoint that fits is the same without it.
        """
        options = dict(self.backbone_options)
        if not options.get(PARTIAL.name, True):
            del options[PARTIAL.name]
        shown = {"weights": Path(str(options.get("weights", ""))).name}
        return {name: shown.get(name, value) for name, value in options.items()}

    def data_options(self) -> dict[str, OptionValue]:
        """Return the task options that change the data, and a place on the hub, which is the same for everybody."""
        shown = {name: value for name, value in self.task_options.items() if str(value).startswith(HUB)}
        return {**{name: value for name, value in self.task_options.items() if name not in PLACES}, **shown}


@dataclass(frozen=True, kw_only=True)
class Pairing(SourcePlan):
    """One row to be: a source model, and the strategy that adapts it."""

    strategy: StrategySpec
    strategy_options: Mapping[str, OptionValue]
    label_budget: Budget
    skip: str = ""
    """Why the pairing makes no sense, or cannot run here; empty for one that runs."""

    @property
    def title(self) -> str:
        return f"{self.task.name} {self.backbone.name} {self.strategy.name} seed {self.seed}"

    def key(self) -> str:
        """Return 12 hex digits that name the question, whatever machine and version answer it."""
        asked = (self.data_options(), self.model_options(), self.source_options, self.strategy_options)
        # A total stands as the number that it is: keys are for good.
        budget = self.label_budget.total or str(self.label_budget)
        strategy = spelling(self.strategy.name)
        names = (self.task.name, self.backbone.name, strategy, self.seed, budget, self.fingerprint)
        weights = [self.weights] if self.weights else []
        return digest([*names, *weights, *map(dict, asked)])[:12]

    def row_fields(self, settings: Settings) -> dict[str, Any]:
        """Return the fields of the row that are known before anything runs."""
        return {
            "task": self.task.name,
            "domain": self.task.domain,
            "backbone": self.backbone.name,
            "strategy": self.strategy.name,
            "seed": self.seed,
            "key": self.key(),
            "machine": fingerprints.machine(),
            "setting": self.task.setting,
            "access": tuple(sorted(self.strategy.access)),
            "label_budget": self.label_budget.total,
            "budget_rule": "" if self.label_budget.total else str(self.label_budget),
            "budget_unit": self.task.kind.unit,
            "selection": self.strategy.selection,
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
            "device": settings.device,
            "device_name": fingerprints.device_name(settings.device),
            "threads": settings.threads,
        }


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Every pairing of a run, in the order in which they run."""

    pairings: tuple[Pairing, ...]
