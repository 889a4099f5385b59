"""Snapshots of a model in training: what training changed, on disk, and the seconds that it had taken until then.

A strategy's request does not hold the recorder: the host sets one around the call, as it does with listeners.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from tlbench.learning.model import TransferModel, device_of

NUMBER = 10
"""Snapshots of as many steps as the option `steps` says, at equal distances, beside the start."""
AfterStep = Callable[[float], None]


@dataclass(frozen=True)
class Snapshot:
    """A model at one step."""

    step: int
    seconds: float
    """Of training until then: CPU seconds, or those that pass on a GPU."""
    head: str
    """The head that is trained."""
    path: Path
    """The tensors that differ from the start of the series."""


@dataclass
class Series:
    """Snapshots of one model, while its architecture stays as it is."""

    model: TransferModel
    start: TransferModel
    """A copy of the model at the first snapshot, into which all are read in the end."""
    snapshots: list[Snapshot] = field(default_factory=list)

    def takes(self, model: TransferModel) -> bool:
        """Return whether the model as it is can be a further snapshot of this series."""
        return model is self.model and model.state_dict().keys() == self.start.state_dict().keys()

    def add(self, snapshot: Snapshot) -> None:
        """Write the tensors of the model as it is: of the first snapshot all, of others those that changed."""
        before = self.start.state_dict() if self.snapshots else {}
        state = self.model.state_dict().items()
        changed = {name: value for name, value in state if name not in before or not torch.equal(value, before[name])}
        copies = {name: value.clone(memory_format=torch.contiguous_format) for name, value in changed.items()}
        save_file(copies, snapshot.path)
        self.snapshots.append(snapshot)

    def models(self) -> Iterator[tuple[Snapshot, TransferModel]]:
        """Yield each snapshot with the model of that step, in evaluation mode; the next one replaces it."""
        first = load_file(self.snapshots[0].path)
        for snapshot in self.snapshots:
            self.start.load_state_dict({**first, **load_file(snapshot.path)})
            yield snapshot, self.start.eval()


class Recorder:
    """Takes snapshots of models in training; its clock stands still meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.series: list[Series] = []
        self.steps = 0
        """Steps of all trainings that were begun."""
        self.seconds = 0.0
        """Seconds of the adaptation when it had ended."""
        self._number = itertools.count()

    @contextlib.contextmanager
    def running(self, model: TransferModel) -> Iterator[None]:
        """Count the seconds of the block, in which the model of a request is adapted."""
        self._model, self._device = model, device_of(model)
        self._began = self._now()
        yield
        self.seconds = self._now() - self._began

    def behind(
        self, after_step: AfterStep, model: TransferModel | None, parts: Iterable[nn.Module], steps: int, total: int
    ) -> AfterStep:
        """Take the first snapshot of a training; return what its loop calls behind each step.

        `model` is what the parts belong to, if the caller knows; `steps` are those of this training, of about `total`.
        """
        done, trained = self.steps, {one for part in parts for one in part.modules()}
        self.steps += steps
        if model is None and not trained.isdisjoint(self._model.modules()):
            model = self._model
        if model is None:
            return after_step
        watched, head = model, _trained_head(model, trained)
        number = min(steps, max(1, round(NUMBER * steps / max(steps, total, 1))))
        counter = itertools.count(1)
        if not any(one.model is model for one in self.series):
            self._keep(watched, head, done)

        def snapshot(progress: float) -> None:
            after_step(progress)
            step = next(counter)
            if step * number // steps > (step - 1) * number // steps:
                self._keep(watched, head, done + step)

        return snapshot

    def of(self, model: TransferModel) -> list[Series]:
        """Return the series of a model; if it has none, those of the only model that was trained."""
        trained = {id(one.model) for one in self.series}
        own = [one for one in self.series if one.model is model]
        return own or (self.series if len(trained) == 1 else [])

    def _keep(self, model: TransferModel, head: str, step: int) -> None:
        before = self._now()
        if not any(one.takes(model) for one in self.series):
            self.series.append(Series(model, copy.deepcopy(model)))
        series = next(one for one in reversed(self.series) if one.takes(model))
        path = self.folder / f"{next(self._number)}.safetensors"
        series.add(Snapshot(step, before - self._began, head, path))
        self._began += self._now() - before

    def _now(self) -> float:
        if self._device.type != "cuda":
            return time.process_time()
        torch.cuda.synchronize(self._device)
        return time.perf_counter()


def _trained_head(model: TransferModel, trained: set[nn.Module]) -> str:
    """Return `source` if that head alone is trained: strategies with unlabelled targets serve it in the end."""
    heads = {name for name, head in model.heads.items() if not trained.isdisjoint(head.modules())}
    return "source" if heads == {"source"} else "target"


_RECORDER: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextlib.contextmanager
def recording(recorder: Recorder | None, model: TransferModel) -> Iterator[None]:
    """Record the trainings of the block, in which the model of a request is adapted; nothing without a recorder."""
    if recorder is None:
        yield
        return
    token = _RECORDER.set(recorder)
    try:
        with recorder.running(model):
            yield
    finally:
        _RECORDER.reset(token)


def recorder() -> Recorder | None:
    """Return what records trainings, if anything does."""
    return _RECORDER.get()
