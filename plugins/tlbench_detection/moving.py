"""Boxes of images that are moved in training: rotated, shifted, enlarged or mirrored."""

from __future__ import annotations

import torch
from torch import Tensor

from tlbench.learning import BatchTargets

REST = 0.25
"""The least part of a box that must lie in its image, so that what is seen of it can be found and named. Our choice."""
TINY = 1e-4
"""Least width and height of a box, as parts of the image."""


def move_boxes(targets: BatchTargets, matrices: Tensor) -> BatchTargets:
    """Return boxes `(K, 6)` in images that were moved by `(N, 2, 3)`: places in the result to places before.

    A moved box is the smallest upright one around the four moved corners, cut off at the edges of the image. One of
    which less than a quarter is left becomes a crowd, so that it counts neither as found nor as missed; one that is
    outside is left out.
    """
    image = torch.repeat_interleave(torch.arange(len(targets), device=targets.values.device), targets.counts)
    whole = _around(targets.values[:, 1:5], matrices[image])
    inside = whole.clamp(0, 1)
    area, rest = _area(whole), _area(inside)
    crowd = torch.where(rest < REST * area, torch.ones_like(area), targets.values[:, 5])
    values = torch.cat([targets.values[:, :1], inside, crowd[:, None]], 1)
    kept = (inside[:, 2:] - inside[:, :2] > TINY).all(1)
    counts = torch.zeros_like(targets.counts).index_add_(0, image[kept], torch.ones_like(image[kept]))
    return BatchTargets(values[kept], counts)


def _around(boxes: Tensor, matrices: Tensor) -> Tensor:
    """Return the smallest upright boxes `(K, 4)` around moved ones, each with its matrix `(K, 2, 3)`."""
    left, top, right, bottom = (2 * boxes - 1).unbind(1)
    corners = torch.stack([torch.stack([x, y], 1) for x in (left, right) for y in (top, bottom)], 2)
    moved = torch.linalg.solve(matrices[:, :, :2], corners - matrices[:, :, 2:])
    return (torch.cat([moved.amin(2), moved.amax(2)], 1) + 1) / 2


def _area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
