"""What a batch of training examples holds, and how it is varied before a model gets it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, get_args

import torch
from torch import Tensor

from tlbench.contract.requests import NO_FITTED, AugmentRequest, RemaskRequest
from tlbench.contract.requests import Augment as Augment  # Strategies know it by this room.
from tlbench.learning.targets import BatchTargets
from tlbench.learning.vary.images import MOVES

Tensors = tuple[Tensor, ...]
"""The encoder's arguments for some examples."""
Strengths = Augment | tuple[Augment, ...]
"""One for all views of an example, or one for each."""


class Batch(NamedTuple):
    """Some examples on the model's device."""

    inputs: Any
    """The encoder's arguments, `Tensors`; with several views a tuple of them."""
    targets: Any
    """Their `BatchTargets`; None for inputs without labels."""
    positions: Tensor
    """`(N,)` int64: their places among the examples."""


class Varied(NamedTuple):
    """A varied batch."""

    inputs: Tensors
    moves: list[Tensor]
    """How its images were moved: `AugmentRequest.moves`."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Varies training batches by the transformations that keep a task's labels."""

    names: tuple[str, ...] = ()
    vary: Callable[[AugmentRequest], Tensors] | None = field(default=None, repr=False)
    on_device: bool = False
    """Whether it works on any device."""
    fitted: Mapping[str, Any] = field(default_factory=lambda: NO_FITTED, repr=False)
    """What the backbone learnt, for `vary`."""
    usual: Augment | None = "weak"
    """The strength of batches that name none; None for a strategy that declares to draw no such batches."""

    def __call__(self, inputs: Tensors, strength: Augment, generator: torch.Generator) -> Varied:
        """Return a varied batch, and how its images were moved."""
        if self.vary is None or not self.names or strength == "none":
            return Varied(inputs, [])
        request = AugmentRequest(
            inputs=inputs, names=self.names, strength=strength, fitted=self.fitted, generator=generator
        )
        return Varied(self.vary(request), request.moves)

    def views(
        self, inputs: Tensors, strengths: Sequence[Augment], generator: torch.Generator, aligned: bool
    ) -> list[Varied]:
        """Return a varied batch for each strength.

        `aligned`: images are moved first, in all views by the same draws, of the least strength.
        """
        if len(strengths) == 1 or not aligned or not MOVES.intersection(self.names):
            return [self(inputs, strength, generator) for strength in strengths]
        moving, still = (
            replace(self, names=tuple(name for name in self.names if (name in MOVES) == moves))
            for moves in (True, False)
        )
        first = moving(inputs, min(strengths, key=get_args(Augment).index), generator)
        return [Varied(still(first.inputs, strength, generator).inputs, first.moves) for strength in strengths]

    def varies(self, strength: Augment) -> bool:
        """Return whether batches are varied at all."""
        return bool(self.names) and self.vary is not None and strength != "none"


@dataclass(frozen=True, kw_only=True)
class Remasking:
    """Masks other places of training batches of masked texts; without a function it changes nothing."""

    remask: Callable[[RemaskRequest], tuple[Tensors, Tensor]] | None = field(default=None, repr=False)
    fitted: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __call__(
        self, inputs: Tensors, targets: BatchTargets, generator: torch.Generator
    ) -> tuple[Tensors, BatchTargets]:
        """Return inputs and targets of another mask, as many for each example."""
        if self.remask is None:
            return inputs, targets
        request = RemaskRequest(inputs=inputs, targets=targets.values, fitted=self.fitted, generator=generator)
        inputs, values = self.remask(request)
        return inputs, BatchTargets(values, targets.counts)
