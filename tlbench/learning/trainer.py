"""The one training loop; the source model and every strategy that trains go through it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tlbench.errors import TlbenchError

Schedule = Callable[[float], float]
"""Progress from 0 to 1 -> learning rate as a part of its peak."""
CHECK_EVERY = 25


class DivergedError(TlbenchError):
    """The loss is no longer a number."""


def one_cycle(progress: float, warm_up: float = 0.15) -> float:
    """Return the learning rate as a part of its peak: up on a cosine, then down to nearly 0 (Smith 2018)."""
    if progress < warm_up:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / warm_up)) / 2
    return 1e-4 + (1 - 1e-4) * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2


def train(
    modules: Iterable[nn.Module],
    loss: Callable[[float], Tensor],
    *,
    steps: int,
    learning_rate: float,
    weight_decay: float,
    schedule: Schedule = one_cycle,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Minimise `loss(progress)`, progress from 0 to 1, with AdamW and gradients clipped to norm 5.

    `on_step(step, loss)` is called every 25 steps; there a loss that is not finite raises `DivergedError`. In
    between the loss is not read, so that a GPU never waits for the host.
    """
    modules = list(modules)
    parameters = [parameter for module in modules for parameter in module.parameters() if parameter.requires_grad]
    # Fused is as deterministic as the plain form and faster, but not equal to it in every bit.
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, fused=True)
    for module in modules:
        module.train()
    for step in range(steps):
        progress = step / steps
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * schedule(progress)
        value = loss(progress)
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        # One bad batch of a small budget can throw a model off.
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        if step % CHECK_EVERY == CHECK_EVERY - 1 or step == steps - 1:
            _report(step + 1, steps, float(value.detach()), on_step)
    for module in modules:
        module.eval()


def _report(step: int, steps: int, loss: float, on_step: Callable[[int, float], None]) -> None:
    if not math.isfinite(loss):
        raise DivergedError(f"The loss is {loss} at step {step} of {steps}: lower the learning rate.")
    on_step(step, loss)


class _ReverseGradient(torch.autograd.Function):
    """Identity forward; backward the gradient times -strength."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradient, None


def reverse_gradient(features: Tensor, strength: float) -> Tensor:
    """Return the features; the gradient that flows back through them is multiplied by -strength (Ganin et al. 2016)."""
    reversed_: Tensor = _ReverseGradient.apply(features, strength)  # type: ignore[no-untyped-call]
    return reversed_
