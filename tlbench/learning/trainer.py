"""Batches of examples and training with a strategy's options; the host trains source models with it too."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, overload

import torch
from torch import Tensor, nn

from tlbench.contract.requests import Augment
from tlbench.errors import ContractError
from tlbench.learning.accumulation import CannotSplitError, check_splits, shares
from tlbench.learning.arithmetic import FP32, Arithmetic, computing_in
from tlbench.learning.batch import Augmentation, Batch, Remasking, Strengths
from tlbench.learning.choosing import chooser_of
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.heads import ScaledLinear
from tlbench.learning.kinds.protocol import Kind, has_mean_loss
from tlbench.learning.loop import Loss, MakeOptimizer, Schedule, Trained, one_cycle, train, training_only
from tlbench.learning.model import TransferModel
from tlbench.learning.moving import Moving, moved, moving_kind
from tlbench.learning.progress import report_step
from tlbench.learning.resident import Resident, ahead, to_device
from tlbench.learning.snapshots import recorder
from tlbench.learning.targets import BatchTargets


@dataclass(kw_only=True)
class Trainer:
    """Draws batches and trains, by the options `steps`, `learning_rate`, `batch_size` and `weight_decay`."""

    owner: str
    """Whose options they are, for messages."""
    kinds: Mapping[str, Kind]
    """What each head is asked for, by the head's name."""
    options: Mapping[str, Any]
    """Every option by name."""
    generator: torch.Generator
    """Draws batches and augmentations; on the CPU."""
    device: torch.device
    """Where batches go."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    """Varies batches, by the transformations that the task names."""
    remasking: Remasking = field(default_factory=Remasking)
    """Masks other places of masked texts."""
    arithmetic: Arithmetic = FP32
    """How it computes."""
    steps_done: int = 0
    """Steps of all calls of `train`."""
    trained_values: int = 0
    """Values in all tensors that were given to an optimiser, each tensor counted once."""
    _counted: dict[int, weakref.ref[Tensor]] = field(default_factory=dict, repr=False)

    def option(self, name: str) -> Any:
        """Return an option. Raises `ContractError` if it was not declared."""
        if name not in self.options:
            raise ContractError(
                f'Strategy "{self.owner}" uses the option "{name}" without declaring it: begin its `options` with '
                f"those of `training_options(...)`."
            )
        return self.options[name]

    @overload
    def batches(
        self,
        examples: Examples,
        views: int = 1,
        augment: Strengths | None = None,
        size: int | None = None,
        aligned: bool = True,
    ) -> Iterator[Batch]: ...
    @overload
    def batches(
        self,
        examples: Inputs,
        views: int = 1,
        augment: Strengths | None = None,
        size: int | None = None,
        aligned: bool = True,
    ) -> Iterator[Batch]: ...
    def batches(
        self,
        examples: Examples | Inputs,
        views: int = 1,
        augment: Strengths | None = None,
        size: int | None = None,
        aligned: bool = True,
    ) -> Iterator[Batch]:
        """Yield batches `(inputs, targets, positions)` without end, reshuffled every epoch.

        Each has `size` examples (default: the option `batch_size`), or all if there are fewer. With several views
        `inputs` is a tuple of batches of the same examples, each augmented anew; a tuple of strengths has a view for
        each, and None is the strength of the run. Inputs without labels have the targets None; with `aligned=False`
        each of their views is moved by itself, though the labels of the kind are places.
        """
        inputs = examples if isinstance(examples, Inputs) else examples.inputs
        usual = self._usual_strength() if augment is None else augment
        strengths = (usual,) * views if isinstance(usual, str) else usual
        if views not in (1, len(strengths)):
            raise ContractError(f"views={views} with {len(strengths)} strengths in augment={augment}: leave out views.")
        if self.device.type == "cpu":
            return self._draw(examples, strengths, size, aligned, self.generator)
        on_cpu = self._remasks(examples, len(strengths)) or (
            any(map(self.augmentation.varies, strengths)) and not self.augmentation.on_device
        )
        resident = None if on_cpu else Resident.of(inputs, self.device)
        if resident is not None:
            return self._draw(examples, strengths, size, aligned, self.generator, resident)
        # In a thread the order of draws is not known: it has a generator of its own.
        return ahead(self._draw(examples, strengths, size, aligned, self._seeded("cpu")))

    def _usual_strength(self) -> Augment:
        """Return how far batches are varied in this run. Raises `ContractError` if the strategy declared not to ask."""
        if self.augmentation.usual is None:
            raise ContractError(
                f'Strategy "{self.owner}" draws batches that the run varies, but declares augments=False: remove that, '
                f'or name a strength, such as augment="none".'
            )
        return self.augmentation.usual

    def _draw(
        self,
        examples: Examples | Inputs,
        strengths: tuple[Augment, ...],
        size: int | None,
        aligned: bool,
        generator: torch.Generator,
        resident: Resident | None = None,
    ) -> Iterator[Batch]:
        inputs, targets = (examples, None) if isinstance(examples, Inputs) else (examples.inputs, examples.targets)
        read = inputs.batch if resident is None else resident.batch
        varying = generator if resident is None else self._seeded(self.device)
        moving = moving_kind(self.kinds.values(), self.augmentation.names) if targets is not None else None
        alike = moving is not None or (aligned and any(isinstance(kind, Moving) for kind in self.kinds.values()))
        moves = moving is not None and all(map(self.augmentation.varies, strengths))
        for indices in self._indices(len(inputs), size, generator):
            varied = self.augmentation.views(read(indices), strengths, varying, alike)
            drawn = [view.inputs for view in varied]
            wanted = None if targets is None else targets.select(indices).batch()
            if self._remasks(examples, len(strengths)) and wanted is not None:
                drawn[0], wanted = self.remasking(drawn[0], wanted, generator)
            if resident is None:
                drawn = [tuple(to_device(part, self.device) for part in view) for view in drawn]
            if wanted is not None:
                wanted = BatchTargets(to_device(wanted.values, self.device), to_device(wanted.counts, self.device))
                if moving and moves:
                    wanted = moved(moving, wanted, varied[0])
            yield Batch(drawn[0] if len(strengths) == 1 else tuple(drawn), wanted, torch.from_numpy(indices))

    def _remasks(self, examples: Examples | Inputs, views: int) -> bool:
        return isinstance(examples, Examples) and views == 1 and self.remasking.remask is not None

    def _seeded(self, device: torch.device | str) -> torch.Generator:
        """Return a generator on a device, whose seed is drawn."""
        seed = torch.randint(2**62, (), generator=self.generator)
        return torch.Generator(device).manual_seed(int(seed))

    def _indices(self, size: int, wanted: int | None, generator: torch.Generator) -> Iterator[Any]:
        batch_size = min(int(self.option("batch_size")) if wanted is None else wanted, size)
        while True:
            order = torch.randperm(size, generator=generator).numpy()
            # A short last batch may be too small for BatchNorm: its examples wait for the next epoch.
            for start in range(0, size - batch_size + 1, batch_size):
                yield order[start : start + batch_size]

    def fit(
        self,
        model: TransferModel,
        examples: Examples,
        head: str = "target",
        modules: Iterable[Trained] | None = None,
        steps: int | None = None,
    ) -> None:
        """Train a model on labelled examples with the loss of the kind. Raises `CannotSplitError`.

        `modules` are those of `train`, by default encoder and head; all others are in evaluation mode and get no
        gradients. `steps` is a part of the option `steps`.
        """
        batches, trained, kind = self.batches(examples), model.heads[head], self.kinds[head]
        parts, forward = self.arithmetic.accumulation_steps, functools.partial(model, head=head)
        chosen = [model.encoder, trained] if modules is None else list(modules)
        if isinstance(trained, ScaledLinear):
            trained.settle(examples.targets.values)
        if parts > 1:
            check_splits(kind, [one[0] if isinstance(one, tuple) else one for one in chosen])

        counted = self.device.type == "cuda" and has_mean_loss(kind)

        def whole(progress: float) -> Tensor:
            inputs, targets, _ = next(batches)
            return kind.loss(forward(*inputs, unit_count=len(targets.values) if counted else None), targets)

        def split(progress: float) -> Iterator[Tensor]:
            inputs, targets, positions = next(batches)
            return shares(kind, forward, inputs, targets, examples.targets.counts[positions.numpy()], parts)

        with training_only(model, chosen):
            self._train(chosen, split if parts > 1 else whole, steps=steps, model=model)

    def train(
        self,
        modules: Iterable[Trained],
        loss: Callable[[float], Tensor],
        *,
        schedule: Schedule = one_cycle,
        optimizer: MakeOptimizer | None = None,
        after_step: Callable[[float], None] = lambda progress: None,
        steps: int | None = None,
    ) -> None:
        """Minimise `loss(progress)` as `tlbench.learning.train` does, with the options; `steps`: a part of them.

        Raises `CannotSplitError` if batches are to be split: only `fit` knows what the parts of a loss are.
        """
        if self.arithmetic.accumulation_steps > 1:
            raise CannotSplitError(
                f'The batch cannot be split to save memory: "{self.owner}" has a loss of its own, which may compare '
                f"examples of the batch. Use a smaller batch_size."
            )
        self._train(modules, loss, schedule, optimizer, after_step, steps)

    def _train(
        self,
        modules: Iterable[Trained],
        loss: Loss,
        schedule: Schedule = one_cycle,
        optimizer: MakeOptimizer | None = None,
        after_step: Callable[[float], None] = lambda progress: None,
        steps: int | None = None,
        model: TransferModel | None = None,
    ) -> None:
        modules = list(modules)
        for module in modules:
            self._count(module[0] if isinstance(module, tuple) else module)
        before = self.steps_done
        planned = int(self.option("steps")) if steps is None else steps
        parts = [module[0] if isinstance(module, tuple) else module for module in modules]
        if choosing := chooser_of(parts):
            choosing.candidate(parts)
            after_step = choosing.behind(after_step, parts, planned)
        if recording := recorder():
            whole = self.options.get("steps")  # A plugin's own option of that name may be anything.
            total = whole if isinstance(whole, int) else planned
            after_step = recording.behind(after_step, model, parts, planned, total)
        with computing_in(self.arithmetic):
            train(
                modules,
                loss,
                steps=planned,
                learning_rate=float(self.option("learning_rate")),
                weight_decay=float(self.option("weight_decay")),
                schedule=schedule,
                optimizer=optimizer,
                after_step=after_step,
                on_step=lambda step, value: report_step(before + step, value),
            )
        if choosing:
            choosing.put_best()
        self.steps_done += planned

    def holds(self, value: Tensor) -> bool:
        """Return whether a tensor, or one of the same values that it was copied from, was given to an optimiser."""
        trained = (reference() for reference in self._counted.values())
        return any(one is not None and one.shape == value.shape and torch.equal(one, value) for one in trained)

    def was_trained(self, parameter: Tensor) -> bool:
        """Return whether a tensor was given to an optimiser."""
        known = self._counted.get(id(parameter))
        return known is not None and known() is parameter

    def _count(self, module: nn.Module) -> None:
        """Count the tensors of a module that an optimiser gets, unless they were counted before."""
        for parameter in module.parameters():
            # Weak references: a tensor that is gone must not lend its address to another one.
            if parameter.requires_grad and not self.was_trained(parameter):
                self._counted[id(parameter)] = weakref.ref(parameter)
                self.trained_values += parameter.numel()
