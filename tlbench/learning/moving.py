"""Labels that are places in an image move with it: a kind that has such labels has a method `move`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from tlbench.errors import ContractError
from tlbench.learning.targets import BatchTargets
from tlbench.learning.vary.images import MOVES


@runtime_checkable
class Moving(Protocol):
    """A kind whose targets are places in an image."""

    def move(self, targets: BatchTargets, matrices: Tensor) -> BatchTargets:
        """Return the targets of images that were moved by `(N, 2, 3)`, of the form of `AugmentRequest.moves`."""
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


def moved(kind: Moving, targets: BatchTargets, views: Sequence[Sequence[Tensor]], owner: str) -> BatchTargets:
    """Return the targets of a batch whose images were moved; `views` holds the moves of each view.

    Raises `ContractError` for several views, in which the same place is elsewhere, and for images whose moves the
    backbone does not tell.
    """
    if len(views) > 1:
        raise ContractError(
            f'"{owner}" draws labelled batches with {len(views)} views of images that move: their places differ. Draw '
            f'one view, or use augment="none".'
        )
    if not views[0]:
        raise ContractError("`augment` of the backbone moves images without saying how: append to `request.moves`.")
    return kind.move(targets, joined(views[0]).to(targets.values.device))


def joined(moves: Sequence[Tensor]) -> Tensor:
    """Return one matrix `(N, 2, 3)` that does what several do one after the other."""
    whole = moves[0]
    for later in moves[1:]:
        # A place in the result is led back through the last transformation first.
        linear = whole[:, :, :2]
        whole = torch.cat([linear @ later[:, :, :2], linear @ later[:, :, 2:] + whole[:, :, 2:]], 2)
    return whole
