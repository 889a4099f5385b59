"""The one training loop; the source model and every strategy that trains with the request go through it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tlbench.errors import ContractError, TlbenchError

Schedule = Callable[[float], float]
"""Progress from 0 to 1 -> learning rate as a part of its peak."""
Trained = nn.Module | tuple[nn.Module, float]
"""A module to train, or one with a factor of the learning rate."""
MakeOptimizer = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]
"""Parameter groups, each with `params` and `lr` -> optimiser."""
CHECK_EVERY = 25


class DivergedError(TlbenchError):
    """The loss is no longer a number."""


def one_cycle(progress: float, warm_up: float = 0.15) -> float:
    """Return the learning rate as a part of its peak: up on a cosine, then down to nearly 0 (Smith 2018)."""
    if progress < warm_up:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / warm_up)) / 2
    return 1e-4 + (1 - 1e-4) * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2


def train(
    modules: Iterable[Trained],
    loss: Callable[[float], Tensor],
    *,
    steps: int,
    learning_rate: float,
    weight_decay: float,
    schedule: Schedule = one_cycle,
    optimizer: MakeOptimizer | None = None,
    after_step: Callable[[float], None] = lambda progress: None,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Minimise `loss(progress)`, progress from 0 to 1, with AdamW and gradients clipped to norm 5.

    A module stands alone, or with a factor of the learning rate: `(encoder, 0.1)`; 0 trains nothing of it. `optimizer`
    makes another optimiser of parameter groups with a learning rate each, which `schedule` multiplies.
    `after_step(progress)` is called behind each step. `on_step(step, loss)` is called every 25 steps; there a loss that
    is not finite raises `DivergedError`. In between the loss is not read, so that a GPU never waits for the host.
    """
    trained = [module if isinstance(module, tuple) else (module, 1.0) for module in modules]
    groups = parameter_groups(trained, learning_rate)
    if optimizer is None:
        # Fused is as deterministic as the plain form and faster, but not equal to it in every bit.
        updates: torch.optim.Optimizer = torch.optim.AdamW(
            groups, lr=learning_rate, weight_decay=weight_decay, fused=True
        )
    else:
        updates = optimizer(groups)
    peaks = [group["lr"] for group in updates.param_groups]
    parameters = [parameter for group in groups for parameter in group["params"]]
    for module, _ in trained:
        module.train()
    for step in range(steps):
        progress = step / steps
        for group, peak in zip(updates.param_groups, peaks, strict=True):
            group["lr"] = peak * schedule(progress)
        value = loss(progress)
        updates.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        # One bad batch of a small budget can throw a model off.
        nn.utils.clip_grad_norm_(parameters, 5.0)
        updates.step()
        after_step(progress)
        if step % CHECK_EVERY == CHECK_EVERY - 1 or step == steps - 1:
            _report(step + 1, steps, float(value.detach()), on_step)
    for module, _ in trained:
        module.eval()


def parameter_groups(modules: Iterable[tuple[nn.Module, float]], learning_rate: float) -> list[dict[str, Any]]:
    """Return the parameters to train, one group for each factor of the learning rate; none stands in two groups.

    Raises `ContractError` if there are none.
    """
    groups: dict[float, list[nn.Parameter]] = {}
    taken: set[nn.Parameter] = set()
    for module, factor in modules:
        new = [one for one in module.parameters() if one.requires_grad and one not in taken]
        taken.update(new)
        if new and factor:
            groups.setdefault(factor, []).extend(new)
    if not groups:
        raise ContractError("Nothing to train: no module has a parameter with requires_grad=True.")
    return [{"params": parameters, "lr": learning_rate * factor} for factor, parameters in groups.items()]


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
