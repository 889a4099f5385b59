"""What a run consists of: settings, pairings with every option decided, and the identities of their results."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench.contract.options import OptionValue
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import EMPTY, HUB, BackboneSpec, Checkpoint, StrategySpec, TaskSpec
from tlbench.errors import UsageError
from tlbench.planning import fingerprints
from tlbench.planning.budget import Budget
from tlbench.results.files import digest

PLACES = ("source", "target")
"""Task options that say where files lie: what is in the files counts, not where they are."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where and how a plan runs."""

    device: str = "cpu"
    threads: int = 1
    cache: Path = field(default_factory=lambda: cache_folder())
    board: Path = Path("leaderboards")
    data_root: Path | None = field(default_factory=lambda: data_folder())

    def __post_init__(self) -> None:
        for name in ("cache", "board"):  # A plugin may change the current folder.
            object.__setattr__(self, name, getattr(self, name).absolute())

    def check_cache(self) -> None:
        """Raise `UsageError` if the cache cannot be written."""
        _check_writable("cache", self.cache, "Set TLBENCH_CACHE to another folder.")

    def check_board(self) -> None:
        """Raise `UsageError` if rows cannot be written to the board."""
        for folder in (self.board, self.board / "rows"):
            _check_writable("board", folder, "Name another with --board.")


def _check_writable(what: str, folder: Path, advice: str) -> None:
    """Raise `UsageError` if a folder, which need not exist yet, or a folder in it cannot be written."""
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        with tempfile.TemporaryFile(dir=existing) as stream:
            stream.write(b"-")
        inner = (path for path in folder.glob("*/") if not os.access(path, os.W_OK | os.X_OK))
        if locked := next(inner, None):
            raise PermissionError(0, f'no permission for "{locked.name}"')
    except OSError as error:
        raise UsageError(f'The {what} folder "{folder}" cannot be written ({error.strerror}). {advice}') from error


def cache_folder() -> Path:
    """Return the folder of the stage cache: `TLBENCH_CACHE`, else the user's cache folder. Raises `UsageError`."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("TLBENCH_CACHE")
    return _resolved(Path(chosen) if chosen else user_cache_path("tlbench"), "TLBENCH_CACHE")


def data_folder() -> Path | None:
    """Return the data root that `TLBENCH_DATA` names, or None. Raises `UsageError` when it is no folder."""
    chosen = os.environ.get("TLBENCH_DATA")
    if not chosen:
        return None
    folder = _resolved(Path(chosen), "TLBENCH_DATA")
    if not folder.is_dir():
        raise UsageError(f'TLBENCH_DATA names "{chosen}", which is not a folder.')
    return folder


def _resolved(path: Path, variable: str) -> Path:
    """Return an absolute path. Raises `UsageError` if there is no home folder for it, or its links go in a circle."""
    try:
        return path.expanduser().resolve()
    except RuntimeError as error:
        raise UsageError(f'No folder for "{path}" ({error}): set {variable} to the path of a folder.') from error


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """One row to be: (task, backbone, strategy, seed) with every option decided."""

    task: TaskSpec
    backbone: BackboneSpec
    strategy: StrategySpec
    seed: int
    task_options: Mapping[str, OptionValue]
    backbone_options: Mapping[str, OptionValue]
    source_options: Mapping[str, OptionValue]
    strategy_options: Mapping[str, OptionValue]
    label_budget: Budget
    fingerprint: str
    """Names the contents of the files that the task reads."""
    checkpoint: Checkpoint | None = None
    """Where the backbone's pre-trained weights lie."""
    weights: str = ""
    """Names the contents of the checkpoint's files."""
    skip: str = ""
    """Why the pairing makes no sense, or cannot run here; empty for one that runs."""

    @property
    def title(self) -> str:
        return f"{self.task.name} {self.backbone.name} {self.strategy.name} seed {self.seed}"

    def load_request(self, settings: Settings) -> LoadRequest:
        return LoadRequest(task=self.task.name, options=self.task_options, data_root=settings.data_root)

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
        """Return the backbone's options; of a file of weights its name, for its contents count and not its place."""
        shown = {"weights": Path(str(self.backbone_options.get("weights", ""))).name}
        return {name: shown.get(name, value) for name, value in self.backbone_options.items()}

    def data_options(self) -> dict[str, OptionValue]:
        """Return the task options that change the data, and a place on the hub, which is the same for everybody."""
        shown = {name: value for name, value in self.task_options.items() if str(value).startswith(HUB)}
        return {**{name: value for name, value in self.task_options.items() if name not in PLACES}, **shown}

    def architecture(self) -> dict[str, Any]:
        """What the encoder's code depends on."""
        return {
            "engine": fingerprints.engine(),
            "versions": dict(fingerprints.versions()),
            "backbone": self.backbone.name,
            "backbone_code": fingerprints.codes_of(
                self.backbone.build, self.backbone.fit, self.backbone.prepare, self.backbone.preprocess
            ),
            "backbone_options": self.model_options(),
            "layout": self.task.kind.layout,
            "weights": self.weights,
        }

    def prepared_identity(self) -> dict[str, Any]:
        """What the prepared inputs depend on."""
        return {
            **self.architecture(),
            "task": self.task.name,
            "task_code": fingerprints.codes_of(self.task.load, self.task.kind.create, self.task.kind_of_source.create),
            "setting": self.task.setting,
            "kinds": [self.task.kind.name, self.task.kind_of_source.name],
            "task_options": self.data_options(),
            "data": self.fingerprint,
        }

    def source_identity(self, settings: Settings) -> dict[str, Any]:
        """What the source model depends on."""
        return {
            **self.prepared_identity(),
            "seed": self.seed,
            "source_options": dict(self.source_options),
            "augment": self.task.augment,
            "augment_code": fingerprints.codes_of(self.backbone.augment, self.backbone.remask),
            "device": settings.device,
            "device_name": fingerprints.device_name(settings.device),
            "threads": settings.threads,
        }

    def adapted_identity(self, settings: Settings) -> dict[str, Any]:
        """What the adapted model depends on."""
        return {
            **self.source_identity(settings),
            "strategy": self.strategy.name,
            "strategy_code": fingerprints.codes_of(self.strategy.adapt),
            "strategy_options": dict(self.strategy_options),
            "promises": [sorted(self.strategy.access), self.strategy.trains_encoder, self.strategy.from_source],
            "metric": self.task.metric,
            "evaluate_code": fingerprints.codes_of(self.task.evaluate),
            "label_budget": str(self.label_budget),
        }

    def identities(self, settings: Settings) -> dict[str, dict[str, Any]]:
        """Return what the result of each stage depends on, in the order of the stages."""
        adapted = self.adapted_identity(settings)
        return {
            "prepare": self.prepared_identity(),
            "source": self.source_identity(settings),
            "features": self.source_identity(settings),
            "adapt": adapted,
            "score": adapted,
            "export": adapted,
        }

    def key(self) -> str:
        """Return 12 hex digits that name the question, whatever machine and version answer it."""
        asked = (self.data_options(), self.model_options(), self.source_options, self.strategy_options)
        # A total stands as the number that it is: keys are for good.
        budget = self.label_budget.total or str(self.label_budget)
        names = (self.task.name, self.backbone.name, self.strategy.name, self.seed, budget, self.fingerprint)
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
