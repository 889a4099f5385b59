"""MixUp (Zhang et al. 2018) and CutMix (Yun et al. 2019).

For a loss that is linear in the target, such as the cross-entropy, the weighted mean of two losses is the loss of the
weighted mean of the targets.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from tlbench import NotApplicable
from tlbench.learning import AdaptRequest, BatchTargets, Tensors, TransferModel

Mix = Callable[[Tensors, Tensor, float, np.random.Generator], tuple[Tensors, float]]
"""Takes inputs, the partner of each example, the first one's share and random numbers; returns inputs and share."""


def mixup(request: AdaptRequest) -> TransferModel:
    """Train on x = s x_i + (1 - s) x_j with the loss s L(y_i) + (1 - s) L(y_j), s drawn from Beta(alpha, alpha)."""
    return _train_on_mixed(request, blend)


def cutmix(request: AdaptRequest) -> TransferModel:
    """Train on images with a rectangle of a partner, whose part of the area is the share of the partner's loss."""
    return _train_on_mixed(request, paste, whole=True)


def _train_on_mixed(request: AdaptRequest, mix: Mix, whole: bool = False) -> TransferModel:
    """`whole`: a share of an input is one of its target only if the target is of the whole input."""
    model, kind, alpha = request.model, request.target.kind, request.options["alpha"]
    batches = request.batches(request.target.train)
    random = np.random.default_rng(int(torch.randint(2**62, (), generator=request.generator)))

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(batches)
        if whole and not bool((targets.counts == 1).all()):
            raise NotApplicable("CutMix needs one label for each image: a mask would have to be cut as its image is.")
        partners = torch.from_numpy(random.permutation(len(targets))).to(targets.values.device)
        inputs, share = mix(inputs, partners, float(random.beta(alpha, alpha)), random)
        outputs = model(*inputs)
        if len(outputs.units) != len(targets.values):
            raise NotApplicable("Mixed examples need a target for each unit of prediction, which this kind lacks.")
        other = kind.loss(outputs, partner_targets(targets, partners))
        return share * kind.loss(outputs, targets) + (1 - share) * other

    request.train([model.encoder, model.heads["target"]], loss)
    return model


def partner_targets(targets: BatchTargets, partners: Tensor) -> BatchTargets:
    """Return the targets of each example's partner. Raises `NotApplicable` if examples differ in their units."""
    count = int(targets.counts[0])
    if not bool((targets.counts == count).all()):
        raise NotApplicable("Examples with different numbers of units cannot be mixed.")
    values = targets.values.reshape(len(targets), count, *targets.values.shape[1:])
    return BatchTargets(values[partners].flatten(0, 1), targets.counts)


def blend(inputs: Tensors, partners: Tensor, share: float, random: np.random.Generator) -> tuple[Tensors, float]:
    """Return weighted means of inputs and their partners'. Raises `NotApplicable` for inputs that are no quantities."""
    return tuple(_blended(part, partners, share) for part in inputs), share


def _blended(part: Tensor, partners: Tensor, share: float) -> Tensor:
    if part.dtype != torch.uint8 and not part.is_floating_point():
        raise NotApplicable(f"Inputs of the type {str(part.dtype).removeprefix('torch.')} have no weighted mean.")
    mixed = share * part.float() + (1 - share) * part[partners].float()
    return mixed.round().to(part.dtype) if part.dtype == torch.uint8 else mixed.to(part.dtype)


def paste(inputs: Tensors, partners: Tensor, share: float, random: np.random.Generator) -> tuple[Tensors, float]:
    """Return images with one rectangle of their partners, and the part of the area that is left.

    The rectangle has (1 - share) of the area around a point of the image, less what lies outside. Raises
    `NotApplicable` for inputs other than images `(N, C, H, W)`.
    """
    if len(inputs) != 1 or inputs[0].dim() != 4:
        raise NotApplicable("CutMix needs images.")
    (images,) = inputs
    box = rectangle(images.shape[2], images.shape[3], share, random)
    mixed = images.clone()
    rows, columns = slice(box[0], box[1]), slice(box[2], box[3])
    mixed[:, :, rows, columns] = images[partners][:, :, rows, columns]
    area = (box[1] - box[0]) * (box[3] - box[2])
    return (mixed,), 1 - area / (images.shape[2] * images.shape[3])


def rectangle(height: int, width: int, share: float, random: np.random.Generator) -> tuple[int, int, int, int]:
    """Return top, bottom, left and right of a rectangle around a random point, cut at the border."""
    half = np.sqrt(1 - share) / 2
    row, column = int(random.integers(height)), int(random.integers(width))
    down, across = int(half * height), int(half * width)
    return max(row - down, 0), min(row + down, height), max(column - across, 0), min(column + across, width)
