"""Labels that are places in an image move with it: a kind that has such labels has a method `move`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from tlbench.errors import ContractError
from tlbench.learning.batch import Varied
from tlbench.learning.targets import BatchTargets
from tlbench.learning.vary.images import MOVES


@dataclass(frozen=True)
class Moves:
    """How the images of a batch were moved: `AugmentRequest.moves`, one after the other."""

    steps: Sequence[Tensor]
    """`(N, 2, 3)` for each transformation, in their order; one at least."""
    size: tuple[int, int]
    """Height and width of the images, in pixels."""

    def joined(self) -> Tensor:
        """Return one matrix `(N, 2, 3)` for each image that does what all steps do: for corners and other points."""
        whole = self.steps[0]
        for later in self.steps[1:]:
            # A place in the result is led back through the last transformation first.
            linear = whole[:, :, :2]
            whole = torch.cat([linear @ later[:, :, :2], linear @ later[:, :, 2:] + whole[:, :, 2:]], 2)
        return whole

    def pixels(self) -> Tensor:
        """Return `(N, H * W)` int64: which pixel of the image before each pixel shows, both counted row by row.

        It is the nearest one. Beyond the edge of an image it is the pixel on the edge, step by step, as `vary_images`
        continues images.
        """
        height, width = self.size
        device = self.steps[0].device
        x, y = _centres(width, device), _centres(height, device)[:, None]
        for step in reversed(self.steps):
            (along, across, right), (down, upright, below) = (row.unbind(1) for row in step[..., None, None].unbind(1))
            x, y = along * x + across * y + right, down * x + upright * y + below
            x, y = (part.clamp(1 / count - 1, 1 - 1 / count) for part, count in ((x, width), (y, height)))
        columns, rows = (((part + 1) * count - 1) / 2 for part, count in ((x, width), (y, height)))
        return (rows.round().long() * width + columns.round().long()).flatten(1)


def _centres(count: int, device: torch.device) -> Tensor:
    """Return the middles of pixels in a row, from -1 to 1 between the edges."""
    return (2 * torch.arange(count, device=device) + 1) / count - 1


@runtime_checkable
class Moving(Protocol):
    """A kind whose targets are places in an image."""

    def move(self, targets: BatchTargets, moves: Moves) -> BatchTargets:
        """Return the targets of images that were moved."""
        ...


def moving_kind(kinds: Iterable[Any], names: Sequence[str]) -> Moving | None:
    """Return the kind whose targets a batch moves with its images; None if none of the named transformations moves.

    Raises `ContractError` if source and target are of different kinds and only one has places: the host could not say
    which targets move.
    """
    kinds = list(kinds)
    having = [kind for kind in kinds if isinstance(kind, Moving)]
    if not having or not MOVES & set(names):
        return None
    if len(having) < len(kinds) or len({type(kind) for kind in kinds}) > 1:
        raise ContractError(
            f"Source and target are of different kinds, and images are moved ({', '.join(names)}): name only "
            f"transformations in `augment` that move nothing."
        )
    return having[0]


def moved(kind: Moving, targets: BatchTargets, view: Varied) -> BatchTargets:
    """Return the targets of a batch whose images were moved, on the device of the targets.

    Raises `ContractError` for images whose moves the backbone does not tell.
    """
    if not view.moves:
        raise ContractError("`augment` of the backbone moves images without saying how: append to `request.moves`.")
    height, width = view.inputs[0].shape[-2:]
    return kind.move(targets, Moves([step.to(targets.values.device) for step in view.moves], (height, width)))
