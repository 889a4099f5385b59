"""The loss of a detector without anchors.

The map of each class is learnt with the penalty-reduced focal loss of CenterNet (Zhou et al. 2019, Objects as points,
arXiv:1904.07850, equation 1). Its target is a Gaussian around each box's centre whose spread follows the width and
height of the box; the distances to the sides are learnt with generalised IoU (Rezatofighi et al. 2019,
arXiv:1902.09630) in all cells under the Gaussian and weighted by it, both as in Liu et al. 2020, Training-time-friendly
network for real-time object detection, arXiv:1909.00700.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from tlbench.learning import BatchTargets
from tlbench_detection.peaks import SIDES

ALPHA = 0.54
"""Size of the Gaussian against the box; its spread is a sixth of that (Liu et al. 2020, section 3.2)."""
REGION = 0.05
"""Height of the Gaussian from which a cell learns the distances."""
LEAST_SPREAD = 0.4
"""In cells: a box smaller than a cell has its centre alone."""
EASY = 4
"""Power by which cells near a centre are spared (beta of CenterNet)."""
HARD = 2
"""Power by which sure predictions are spared (alpha of CenterNet)."""
WEIGHT = 5.0
"""Of the distances (Liu et al. 2020, section 3.3)."""
TINY = 1e-6


@dataclass(frozen=True)
class Wanted:
    """What the cells of a batch should say."""

    heat: Tensor
    """`(N, H, W, C)`: 1 at a centre, less around it."""
    counted: Tensor
    """`(N, H, W)`: 0 in a crowd, where nothing is known."""
    distances: Tensor
    """`(N, H, W, 4)`: from the middle of a cell to left, top, right and bottom of its box, in cells."""
    weights: Tensor
    """`(N, H, W)`: how much the distances count; 0 for a cell without a box."""


def detection_loss(values: Tensor, targets: BatchTargets) -> Tensor:
    """Return the loss of outputs `(N, H, W, C + 4)` for a batch of boxes, per box."""
    heat, sides = values[..., :-SIDES], functional.softplus(values[..., -SIDES:])
    wanted = wanted_of(targets, heat.shape)
    boxes = (targets.values[:, 5] == 0).sum().clamp(min=1)
    centres = focal(heat, wanted.heat, wanted.counted) / boxes
    overlap = (1 - generalised_iou(sides, wanted.distances)) * wanted.weights
    return centres + WEIGHT * overlap.sum() / wanted.weights.sum().clamp(min=1)


def focal(logits: Tensor, heat: Tensor, counted: Tensor) -> Tensor:
    """Return the summed focal loss of log-odds `(N, H, W, C)`."""
    probability = logits.sigmoid()
    at_centre = (1 - probability) ** HARD * functional.logsigmoid(logits)
    elsewhere = (1 - heat) ** EASY * probability**HARD * functional.logsigmoid(-logits)
    return -(torch.where(heat == 1, at_centre, elsewhere) * counted[..., None]).sum()


def generalised_iou(found: Tensor, wanted: Tensor) -> Tensor:
    """Return the generalised IoU `(...)` of boxes around the same points, given distances `(..., 4)`."""
    inner, outer = torch.minimum(found, wanted), torch.maximum(found, wanted)
    common, hull = _area(inner), _area(outer)
    union = _area(found) + _area(wanted) - common
    return common / (union + TINY) - (hull - union) / (hull + TINY)


def _area(distances: Tensor) -> Tensor:
    return (distances[..., 0] + distances[..., 2]) * (distances[..., 1] + distances[..., 3])


def wanted_of(targets: BatchTargets, shape: torch.Size) -> Wanted:
    """Return what the cells `(N, H, W, C)` of a batch should say. Of several boxes at a cell, the smallest counts."""
    size, rows, columns, labels = shape
    boxes, there = _padded(targets)
    scale = boxes.new_tensor([columns, rows, columns, rows])
    down = (torch.arange(rows, device=boxes.device) + 0.5)[None, :, None].to(boxes.dtype)
    right = (torch.arange(columns, device=boxes.device) + 0.5)[None, None, :].to(boxes.dtype)
    heat, counted = boxes.new_zeros(size, rows, columns, labels), boxes.new_ones(size, rows, columns)
    distances, weights = boxes.new_ones(size, rows, columns, SIDES), boxes.new_zeros(size, rows, columns)
    for place in range(boxes.shape[1]):
        box, corners = boxes[:, place], (boxes[:, place, 1:5] * scale)[:, None, None, :]
        use = there[:, place] & (box[:, 5] == 0)
        to_sides = _distances(corners, right, down)
        crowded = (there[:, place] & (box[:, 5] == 1))[:, None, None] & (to_sides > 0).all(-1)
        counted = torch.where(crowded, torch.zeros_like(counted), counted)
        bell = gaussian(corners, rows, columns) * use[:, None, None]
        chosen = functional.one_hot(box[:, 0].long(), labels).to(boxes.dtype)
        heat = torch.maximum(heat, bell[..., None] * chosen[:, None, None, :])
        own = bell > REGION
        distances = torch.where(own[..., None], to_sides.clamp(min=0), distances)
        weights = torch.where(own, bell, weights)
    return Wanted(heat, counted, distances, weights)


def _distances(corners: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Return the distances `(N, H, W, 4)` of the middles of cells from the sides of boxes `(N, 1, 1, 4)`."""
    sides = (right - corners[..., 0], down - corners[..., 1], corners[..., 2] - right, corners[..., 3] - down)
    size = (len(corners), down.shape[1], right.shape[2])
    return torch.stack([side.expand(size) for side in sides], -1)


def gaussian(corners: Tensor, rows: int, columns: int) -> Tensor:
    """Return a Gaussian `(N, H, W)` that is 1 at the cell of the centre of each box `(N, 1, 1, 4)`, in cells."""
    centre_x = ((corners[..., 0] + corners[..., 2]) / 2).floor().clamp(0, columns - 1)
    centre_y = ((corners[..., 1] + corners[..., 3]) / 2).floor().clamp(0, rows - 1)
    spread_x = (ALPHA * (corners[..., 2] - corners[..., 0]) / 6).clamp(min=LEAST_SPREAD)
    spread_y = (ALPHA * (corners[..., 3] - corners[..., 1]) / 6).clamp(min=LEAST_SPREAD)
    x = torch.arange(columns, device=corners.device)[None, None, :] - centre_x
    y = torch.arange(rows, device=corners.device)[None, :, None] - centre_y
    return torch.exp(-(x**2 / (2 * spread_x**2) + y**2 / (2 * spread_y**2)))


def _padded(targets: BatchTargets) -> tuple[Tensor, Tensor]:
    """Return the boxes of a batch `(N, B, 6)`, the largest first, and which of them there are `(N, B)`."""
    counts, values = targets.counts, targets.values
    most = int(counts.max()) if len(counts) else 0
    image = torch.repeat_interleave(torch.arange(len(counts), device=values.device), counts)
    area = (values[:, 3] - values[:, 1]) * (values[:, 4] - values[:, 2])
    order = torch.argsort(area, descending=True, stable=True)
    order = order[torch.argsort(image[order], stable=True)]
    place = torch.arange(len(values), device=values.device) - (counts.cumsum(0) - counts)[image]
    boxes = values.new_zeros(len(counts), most, values.shape[-1])
    there = torch.zeros(len(counts), most, dtype=torch.bool, device=values.device)
    boxes[image, place], there[image, place] = values[order], True
    return boxes, there
