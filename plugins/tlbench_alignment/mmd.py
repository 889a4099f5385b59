"""Maximum mean discrepancy between source and target: DAN (Long et al. 2015) and JAN (Long et al. 2017)."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from tlbench.learning import AdaptRequest, Outputs, TransferModel
from tlbench_alignment.align import align

UNITS = 128
"""Units of a domain that are compared in a step. Their pairs grow with the square, and pixels or words are many."""
SCALES = tuple(2 ** (exponent / 2) for exponent in range(-16, 17))
"""Bandwidths of DAN's kernels as multiples of the mean squared distance: from 2^-8 to 2^8 in steps of 2^(1/2)."""


def mmd(request: AdaptRequest) -> TransferModel:
    """Minimise the source loss and the multi-kernel MMD of the features that the head is given."""

    def features(outputs: Outputs) -> Tensor:
        rows: Tensor = outputs.features[some(request, outputs)]
        return rows

    return align(request, lambda known, unknown: multi_kernel_mmd(features(known), features(unknown)))


def jan(request: AdaptRequest) -> TransferModel:
    """Minimise the source loss and the MMD of features and class probabilities together."""

    def layers(outputs: Outputs) -> tuple[Tensor, Tensor]:
        rows = some(request, outputs)
        return outputs.features[rows], outputs.units[rows].softmax(1)

    return align(request, lambda known, unknown: joint_mmd(layers(known), layers(unknown)))


def multi_kernel_mmd(source: Tensor, target: Tensor) -> Tensor:
    """Return the MMD of features `(M, D)` by the mean of Gaussian kernels of 33 bandwidths."""
    squared = squared_distances(source, target)
    total = sum((gaussian(squared, scale) for scale in SCALES), torch.zeros_like(squared))
    return squared_mmd(total / len(SCALES), len(source))


def joint_mmd(source: tuple[Tensor, ...], target: tuple[Tensor, ...]) -> Tensor:
    """Return the joint MMD of several layers, each `(M, D)`: the kernel is the product of one for each layer."""
    kernels = (gaussian(squared_distances(*layer), 1.0) for layer in zip(source, target, strict=True))
    return squared_mmd(functools.reduce(torch.mul, kernels), len(source[0]))


def squared_distances(source: Tensor, target: Tensor) -> Tensor:
    """Return `(M, M)`: the squared distances between all rows, those of the source first."""
    rows = torch.cat([source, target])
    # Not by products of rows: they lose the digits of small distances, and most of them in tf32.
    return torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist").square()


def gaussian(squared: Tensor, scale: float) -> Tensor:
    """Return exp(-d^2 / b); the bandwidth b is the mean of d^2 over all pairs, times the scale.

    The papers name the median, their authors' code takes the mean: the median distance of probabilities is 0 as soon
    as most predictions agree.
    """
    pairs = len(squared) * (len(squared) - 1)
    bandwidth = scale * squared.detach().sum() / pairs
    return torch.exp(-squared / bandwidth.clamp(min=torch.finfo(squared.dtype).tiny))


def squared_mmd(kernel: Tensor, size: int) -> Tensor:
    """Return the unbiased estimate of the squared MMD (Gretton et al. 2012, equation 3), which may be negative.

    `kernel` `(M, M)` holds the values of all pairs; the first `size` rows are those of the source.
    """
    kernel = kernel - kernel.diag().diag()
    source, target, across = kernel[:size, :size], kernel[size:, size:], kernel[:size, size:]
    return _mean_of_pairs(source) + _mean_of_pairs(target) - 2 * across.mean()


def _mean_of_pairs(kernel: Tensor) -> Tensor:
    return kernel.sum() / (len(kernel) * (len(kernel) - 1))


def some(request: AdaptRequest, outputs: Outputs) -> Tensor:
    """Return the positions of at most `UNITS` units, drawn if there are more."""
    size = len(outputs.units)
    if size <= UNITS:
        return torch.arange(size, device=outputs.units.device)
    return torch.randperm(size, generator=request.generator)[:UNITS].to(outputs.units.device)
