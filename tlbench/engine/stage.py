"""What a stage of a pairing is, what it may read, and the key of its result."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.contract.options import AUGMENT_OPTION
from tlbench.errors import ContractError
from tlbench.planning import fingerprints
from tlbench.planning.code import code_identity

if TYPE_CHECKING:
    from tlbench.planning.plan import Pairing, SourcePlan
    from tlbench.planning.plan_parts import Asked
    from tlbench.planning.settings import Settings
    from tlbench.results.parts import RowPart

OnStep = Callable[[int, float], None]
"""Takes the step and its loss."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a stage works with; reading an input that is not declared raises `ContractError`."""

    pairing: Pairing
    """The pairing, of which only what was declared can be read."""
    settings: Settings
    """Likewise; a stage declares `settings.device`."""
    above: Mapping[str, Path]
    """Folders of the stages in `after`, by name."""
    folder: Path
    """An empty folder for the result."""
    on_step: OnStep
    """Reports a training step to the display."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A step of a pairing: a function of the stages above it and of its declared inputs."""

    name: str
    compute: Callable[[Work], RowPart | None]
    """Fills the folder; returns what the row says of the result."""
    after: tuple[str, ...] = ()
    """Stages whose results it reads. What they declare, it may read too."""
    inputs: tuple[str, ...] = ()
    """What it reads of the pairing, and of the settings as `settings.NAME`: paths of attributes."""
    needed: Callable[[SourcePlan], bool] = lambda plan: True
    """Whether a pairing has this stage; stages below it do without its result if not."""
    content: Callable[[Mapping[str, Path]], Any] | None = None
    """For a result that many pairings share: what of the results above it counts, in place of their keys. Such a stage
    declares all that it reads."""
    each: str = ""
    """For a stage that runs on demand: the field of the pairing that lists what was asked for. The stage is computed
    for each of them alone, and left out if there are none."""


IDENTITIES: Mapping[str, Callable[[Any, Settings], Any]] = {
    "load_request": lambda plan, settings: [_loaded(plan), plan.fingerprint],
    "files": lambda plan, settings: plan.weights,
    "backbone_options": lambda plan, settings: plan.model_options(),
    "remembered": lambda plan, settings: _kept(plan),
    "estimators": lambda plan, settings: [_asked(one, one.spec.estimate) for one in plan.estimators],
    "analyses": lambda plan, settings: [_asked(one, one.spec.analyse) for one in plan.analyses],
    "settings.device": lambda plan, settings: [settings.device, _graphics(settings.device)],
}
"""What counts of an input where that is not its value: of files their contents, whatever the place they lie at."""


def _loaded(plan: SourcePlan) -> dict[str, Any]:
    """Return the options by which data is loaded: transformations of batches are none of them."""
    loaded = plan.data_options()
    if AUGMENT_OPTION in plan.task.options:
        loaded.pop(AUGMENT_OPTION.name, None)
    return loaded


def _graphics(device: str) -> str:
    """Return the name of the GPU if numbers come from it. The processor's class is in every key."""
    return fingerprints.graphics() if device == "cuda" else ""


def _kept(plan: SourcePlan) -> Any:
    """Return what counts of the remembered task: its data and what is measured on it."""
    kept = getattr(plan, "remembered", None)
    if kept is None:
        return None
    data = [kept.task.name, kept.data_options(), kept.fingerprint, kept.side, kept.metric]
    return _identity([*data, kept.task.load, kept.kind])


def _asked(asked: Asked[Any], function: Callable[..., Any]) -> dict[str, Any]:
    """Return what counts of an estimator or an analysis: its name, its options and its code."""
    return {"label": asked.label, "options": dict(asked.options), "code": dict(code_identity(function))}


TEACHER = "teacher."
"""Before an input that is that of a pairing's teacher."""
PROSE = ("title", "summary")
"""Fields of specs that people read and no stage does."""


def stage_identity(
    stage: Stage, plan: SourcePlan | None, settings: Settings, keys: Mapping[str, str], above: Mapping[str, Path]
) -> dict[str, Any]:
    """Return everything that a stage's result depends on, as JSON; its hash is the key."""
    inputs = {path: input_identity(path, plan, settings) for path in stage.inputs}
    # Content in place of keys is what lets seeds and strategies share a graph, and graphs a latency.
    shared = {"above": keys} if stage.content is None else {"content": stage.content(above)}
    # Workers of another class share a cache, and may come to other last bits.
    machine = {"processor": fingerprints.processor_class()}
    return {"inputs": inputs, "code": code_identity(stage.compute), **machine, **shared}


def input_identity(path: str, plan: SourcePlan | None, settings: Settings) -> Any:
    """Return what counts of one declared input."""
    if path in IDENTITIES:
        return IDENTITIES[path](plan, settings)
    if path.startswith(TEACHER):
        return input_identity(path.removeprefix(TEACHER), getattr(plan, "teacher", None), settings)
    root, names = (settings, path.split(".")[1:]) if path.startswith("settings.") else (plan, path.split("."))
    return _identity(functools.reduce(getattr, names, root))


def _identity(value: Any) -> Any:
    """Return JSON that is equal for equal values; functions count by their code."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and not callable(value):
        names = [field.name for field in dataclasses.fields(value) if field.name not in PROSE]
        return {name: _identity(getattr(value, name)) for name in names}
    # A plugin's function counts by what it reaches, not by its name or address: both may stay where the code changed.
    if callable(value):
        return dict(code_identity(value))
    if isinstance(value, Mapping):
        return {str(key): _identity(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_identity(held) for held in value]
    # The order of a set is another in every process.
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    return value


@dataclass(frozen=True)
class Declared:
    """An object of which only declared attributes can be read: `pairing.task.kind` for the path `task.kind`."""

    _value: Any
    _paths: frozenset[str]
    _stage: str
    _prefix: str = ""

    def __getattr__(self, name: str) -> Any:
        # copy and pickle ask for such names; they must get the usual answer.
        if name.startswith("__"):
            raise AttributeError(name)
        path = f"{self._prefix}{name}"
        if path in self._paths:
            return getattr(self._value, name)
        if any(known.startswith(f"{path}.") for known in self._paths):
            return Declared(getattr(self._value, name), self._paths, self._stage, f"{path}.")
        raise ContractError(f'The stage "{self._stage}" reads "{path}" without declaring it: add it to its `inputs`.')
