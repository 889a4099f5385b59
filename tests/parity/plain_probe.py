"""L2-regularised logistic regression in plain PyTorch, its strength chosen on folds; nothing of tlbench."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

STRENGTHS = [10.0**power for power in range(-4, 5)]
FOLDS = 4


def fit_probe(features: Tensor, labels: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Return weights `(C, D)` and bias `(C,)` on features `(N, D)` float64, which are standardised inside.

    The strength with the least loss on four folds is taken, and refitted on everything.
    """
    mean, std = features.mean(0), features.std(0, correction=0)
    std = torch.where(std > 1e-8, std, 1.0)
    standard, fold = (features - mean) / std, folds(labels)
    losses = torch.zeros(len(STRENGTHS))
    for held in range(FOLDS):
        train, rest = fold != held, fold == held
        for position, strength in enumerate(STRENGTHS):
            weight, bias = regress(standard[train], labels[train], strength, classes)
            losses[position] += functional.cross_entropy(standard[rest] @ weight.T + bias, labels[rest])
    weight, bias = regress(standard, labels, STRENGTHS[int(losses.argmin())], classes)
    return weight / std, bias - (weight / std) @ mean


@torch.enable_grad()
def regress(features: Tensor, labels: Tensor, strength: float, classes: int) -> tuple[Tensor, Tensor]:
    """Return weights and bias that minimise strength x the sum of losses + |weights|^2 / 2."""
    weight = torch.zeros(classes, features.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(classes, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS([weight, bias], max_iter=500, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        penalty = weight.square().sum() / (2 * strength * len(labels))
        loss = functional.cross_entropy(features @ weight.T + bias, labels) + penalty
        loss.backward()
        return loss

    solver.step(closure)
    return weight.detach(), bias.detach()


def folds(labels: Tensor) -> Tensor:
    """Return the fold of each example, each class in proportion."""
    order = torch.randperm(len(labels))
    order = order[labels[order].argsort(stable=True)]
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order)) % FOLDS
    return place
