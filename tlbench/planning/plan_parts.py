"""Parts of a plan: what a backbone learns from, a task to remember, an extension, estimators and analyses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from tlbench.contract.budget import Budget
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.options import AUGMENT_OPTION, OptionValue
from tlbench.contract.requests import LoadRequest, no_files
from tlbench.contract.specs import HUB, KindSpec, TaskSpec
from tlbench.results.files import digest, slug

PLACES = ("source", "target")
"""Task options that hold paths: the contents of the files count, not the paths."""
LATER = ("group", "time", "leave_out", "missing", "columns", AUGMENT_OPTION.name)
"""Options that tasks got after there were results."""


@dataclass(frozen=True, kw_only=True)
class FitInputs:
    """The target inputs from which a backbone learns its vocabulary and statistics if there is no source."""

    seed: int | None = None
    """Draws the label budget; None for all target training inputs."""
    budget: Budget | None = None
    """The label budget whose inputs they are; None for all target training inputs."""


@dataclass(frozen=True, kw_only=True)
class Remembered:
    """A task that an encoder must not forget, for pairings without a source of their own."""

    task: TaskSpec
    task_options: Mapping[str, OptionValue]
    fingerprint: str
    """Hash of the files that the task reads."""
    side: str
    """The domain that is remembered: `source`, or `target` if the task has no source."""
    data_root: Path | None = None
    """The folder of published data."""

    @property
    def kind(self) -> KindSpec:
        """What the remembered domain asks for."""
        return self.task.kind_of_source if self.side == "source" else self.task.kind

    @property
    def metric(self) -> str:
        """The metric of the remembered domain."""
        return self.task.metric_of_source if self.side == "source" else self.task.metric

    @property
    def load_request(self) -> LoadRequest:
        """The argument of the task's functions."""
        return LoadRequest(task=self.task.name, options=self.task_options, data_root=self.data_root)

    def data_options(self) -> dict[str, OptionValue]:
        """Return the options that change the data, as those of a pairing's own task."""
        return data_options(self.task, self.task_options)


def data_options(task: TaskSpec, options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Return the task options that change the data, including data sets of the hub but no local paths.

    `source` and `target` of a task without `files` are no paths: nothing else would tell of them. `LATER` options
    count only if they are set: without, results have the keys that they had before there were these options.
    """
    defaults = {(option.name, option.default) for option in task.options if option.name in LATER}
    options = {name: value for name, value in options.items() if (name, value) not in defaults}
    if task.files is no_files:
        return dict(options)
    shown = {name: value for name, value in options.items() if str(value).startswith(HUB)}
    return {**{name: value for name, value in options.items() if name not in PLACES}, **shown}


@dataclass(frozen=True, kw_only=True)
class Extension:
    """How a strategy changes the architecture."""

    extend: Callable[[Any, Mapping[str, Any]], Any]
    """`StrategySpec.extend`."""
    options: Mapping[str, OptionValue]


D = TypeVar("D", EstimatorSpec, AnalysisSpec)


@dataclass(frozen=True, kw_only=True)
class Asked(Generic[D]):
    """An estimator or an analysis that was asked for, with every option decided."""

    spec: D
    options: Mapping[str, OptionValue]

    @property
    def changed(self) -> dict[str, OptionValue]:
        """The options that have other values than by default."""
        return {one.name: self.options[one.name] for one in self.spec.options if self.options[one.name] != one.default}

    @property
    def label(self) -> str:
        """What the row calls it: `NAME`, or `NAME (OPTION=VALUE)` with the options that are not the default."""
        values = ", ".join(f"{name}={value}" for name, value in self.changed.items())
        return f"{self.spec.name} ({values})" if values else self.spec.name

    @property
    def file_name(self) -> str:
        """The label as a part of a file's name."""
        return f"{slug(self.spec.name)}-{digest(self.changed)[:6]}" if self.changed else slug(self.spec.name)
