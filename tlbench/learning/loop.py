"""The one training loop; the source model and every strategy that trains with the request go through it."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
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
Loss = Callable[[float], "Tensor | Iterable[Tensor]"]
"""Progress from 0 to 1 -> the loss of a batch, or of its parts, whose gradients add up."""
CHECK_EVERY = 25
"""Steps after which a loss is reported, and after which those of a GPU are read: a GPU that is asked for each waits for
the host."""
LARGEST_NORM = 5.0
"""Of all gradients together."""


class DivergedError(TlbenchError):
    """The loss is not finite."""


def one_cycle(progress: float, warm_up: float = 0.15) -> float:
    """Return the learning rate as a part of its peak: up on a cosine, then down to nearly 0 (Smith 2018)."""
    if progress < warm_up:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / warm_up)) / 2
    return 1e-4 + (1 - 1e-4) * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2


def train(
    modules: Iterable[Trained],
    loss: Loss,
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
    `after_step(progress)` is called behind each step, `on_step(step, loss)` every 25 steps, with their mean loss. The
    first loss that is not finite raises `DivergedError`: on the CPU at once, on a GPU after at most 25 steps.
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
    losses = _Losses(steps, on_step)
    for step in range(steps):
        progress = step / steps
        for group, peak in zip(updates.param_groups, peaks, strict=True):
            group["lr"] = peak * schedule(progress)
        value = _gradients(loss(progress), updates)
        losses.add(value)
        _clip(parameters)
        updates.step()
        after_step(progress)
        losses.report()
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
        raise ContractError(
            "Nothing to train: no module has a parameter with requires_grad=True and a factor of the learning rate "
            "above 0."
        )
    return [{"params": parameters, "lr": learning_rate * factor} for factor, parameters in groups.items()]


@contextlib.contextmanager
def training_only(model: nn.Module, modules: Iterable[Trained]) -> Iterator[None]:
    """Compute no gradients of parameters that are not in `modules`, and put the model into evaluation mode before."""
    trained = {one for part in modules for one in (part[0] if isinstance(part, tuple) else part).parameters()}
    frozen = [one for one in model.parameters() if one.requires_grad and one not in trained]
    model.eval()
    for parameter in frozen:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


def _gradients(loss: Tensor | Iterable[Tensor], updates: torch.optim.Optimizer) -> Tensor:
    """Set the gradients of a loss, or the sum of those of its parts; return the loss."""
    updates.zero_grad(set_to_none=True)
    if isinstance(loss, Tensor):
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
    values = []
    for part in loss:  # Each is computed when the graph of the one before is gone.
        part.backward()
        values.append(part.detach())
        del part
    return torch.stack(values).sum()


@torch.no_grad()
def _clip(parameters: list[nn.Parameter]) -> None:
    """Scale the gradients to norm 5 if they have a larger one: one bad batch of a small budget can throw a model off.

    What `nn.utils.clip_grad_norm_` does, which groups the parameters by device and type again in each step.
    """
    if gradients := [parameter.grad for parameter in parameters if parameter.grad is not None]:
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        torch._foreach_mul_(gradients, (LARGEST_NORM / (norm + 1e-6)).clamp(max=1.0))


class _Losses:
    """The losses of a training, each checked; those of a GPU several at a time."""

    def __init__(self, steps: int, on_step: Callable[[int, float], None]) -> None:
        self.steps, self.on_step = steps, on_step
        self.done, self.unread, self.unreported = 0, list[Tensor](), list[float]()

    def add(self, loss: Tensor) -> None:
        """Take the loss of the next step. Raises `DivergedError`."""
        self.done += 1
        self.unread.append(loss)
        if not loss.is_cuda or self._due():
            self._read()

    def report(self) -> None:
        """Report the mean of the losses since the last report, if that is due."""
        if self._due():
            self.on_step(self.done, sum(self.unreported) / len(self.unreported))
            self.unreported.clear()

    def _due(self) -> bool:
        return self.done % CHECK_EVERY == 0 or self.done == self.steps

    def _read(self) -> None:
        first = self.done - len(self.unread) + 1
        values = self.unread[0].tolist() if len(self.unread) == 1 else torch.stack(self.unread).tolist()
        self.unread.clear()
        for step, value in enumerate(values if isinstance(values, list) else [values], start=first):
            if not math.isfinite(value):
                raise DivergedError(f"The loss is {value} at step {step} of {self.steps}: lower the learning rate.")
            self.unreported.append(value)


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
