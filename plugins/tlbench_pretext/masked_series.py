"""Masked values of series and rows are predicted from the others (Zerveas et al. 2021), then fine-tuning."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from tlbench import Array, NotApplicable
from tlbench.learning import AdaptRequest, TransferModel, device_of


def masked_series(request: AdaptRequest) -> TransferModel:
    """Train encoder and a linear decoder to give the masked values of unlabelled target inputs.

    Values are standardised by channel or column; a masked one is replaced by the mean. Then fine-tune encoder and head
    on the label budget. The decoder is dropped.
    """
    model, target, options = request.model, request.target, request.options
    values = numbers(request)
    mean, std = statistics(values)
    device = device_of(model)
    mean, std = mean.to(device), std.to(device)
    decoder = nn.Linear(model.encoder.feature_dim, math.prod(values.shape[1:])).to(device)
    batches = request.batches(target.unlabelled, augment="none")

    def loss(progress: float) -> Tensor:
        (inputs,) = next(batches).inputs
        mask = draw_mask(inputs.shape, options["masked"], options["segment"], request.generator).to(device)
        guess = decoder(model.pooled(torch.where(mask, mean, inputs))).view(inputs.shape)
        errors: Tensor = (guess - (inputs - mean) / std).square() * mask
        return errors.sum() / mask.sum().clamp(min=1)

    request.train([model.encoder, decoder], loss, steps=options["pretext_steps"])
    request.fit(model, target.train)
    return model


def numbers(request: AdaptRequest) -> Array:
    """Return the inputs, series `(N, C, T)` or rows `(N, F)` of float32. Raises `NotApplicable` for others."""
    (first, *others), signature = request.target.unlabelled.columns, request.model.encoder.signature
    assert signature is not None
    numeric = isinstance(first, np.ndarray) and first.dtype == np.float32 and first.ndim in (2, 3)
    if numeric and not others and signature.modality in ("series", "tabular"):
        return cast(Array, first)
    taken = signature.inputs
    shown = ", ".join(f"{one.dtype} {'of any length' if one.shape is None else one.shape}" for one in taken)
    raise NotApplicable(
        f"Masked values need series (C, T) or rows (F,) of float32; the encoder takes {signature.modality}: {shown}."
    )


def statistics(values: Array) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each channel `(C, 1)` or column `(F,)`; 1 for one that is constant."""
    axes = (0, 2) if values.ndim == 3 else (0,)
    shape = (-1, 1) if values.ndim == 3 else (-1,)
    mean, std = values.mean(axes, dtype="float64"), values.std(axes, dtype="float64")
    std[std <= 1e-6 * abs(mean)] = 1.0  # What is left of a constant is rounding.
    return tuple(torch.from_numpy(part).float().view(shape) for part in (mean, std))  # type: ignore[return-value]


def draw_mask(shape: torch.Size, rate: float, segment: float, generator: torch.Generator) -> Tensor:
    """Return which values are masked, bool: a part `rate` of them on average.

    Of rows `(N, F)` each value by itself. Of series `(N, C, T)`, where a single missing step is told by its neighbours,
    each channel in segments of the mean length `segment`: a Markov chain that leaves the mask with probability
    1 / segment, or less for a rate above segment / (segment + 1), and enters it with rate / (1 - rate) of that.
    """
    drawn = torch.rand(shape, generator=generator)
    if len(shape) == 2:
        return drawn < rate
    # What is not masked lasts a step at least, so that a high rate needs longer segments.
    leave = min(1 / segment, (1 - rate) / rate) if rate else 1 / segment
    enter = leave * rate / (1 - rate)
    steps = [drawn[..., 0] < rate]
    for step in drawn.unbind(-1)[1:]:
        steps.append(torch.where(steps[-1], step >= leave, step < enter))
    return torch.stack(steps, -1)
