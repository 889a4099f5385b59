"""The leanest loops that could be written; nothing of tlbench.

Data is one tensor in memory and batches are indices of it, the optimiser is fused, nothing is read back, and
`half=True` computes in bfloat16 where autocast allows it.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from bare import Reverse, discriminator
from torch import Tensor, nn
from torch.nn import functional

BATCH = 64


def one_cycle(progress: float) -> float:
    """From 0.04 to 1 in 15 % of the steps, then down to nearly 0, both on a cosine."""
    if progress < 0.15:
        return 0.52 - 0.48 * math.cos(math.pi * progress / 0.15)
    return 0.5 + 0.5 * math.cos(math.pi * (progress - 0.15) / 0.85)


def annealed(progress: float) -> float:
    return min(1.0, 10 * progress + 0.05) / (1 + 10 * progress) ** 0.75


def indices(size: int, seed: int) -> Iterator[Tensor]:
    """Yield batches of a shuffled epoch after the other."""
    generator, batch = torch.Generator().manual_seed(seed), min(BATCH, size)
    while True:
        yield from torch.randperm(size, generator=generator)[: size // batch * batch].split(batch)


def minimise(
    parameters: Iterable[nn.Parameter],
    loss: Callable[[float], Tensor],
    steps: int,
    schedule: Callable[[float], float],
    half: bool,
) -> None:
    parameters = list(parameters)
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-4, fused=True)
    (group,) = optimizer.param_groups
    for step in range(steps):
        group["lr"] = 1e-3 * schedule(step / steps)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            value = loss(step / steps)
        optimizer.zero_grad()
        value.backward()
        gradients = [parameter.grad for parameter in parameters]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        torch._foreach_mul_(gradients, (5.0 / (norm + 1e-6)).clamp(max=1.0))
        optimizer.step()


def fine_tune(network: nn.Module, inputs: Tensor, labels: Tensor, steps: int, seed: int, half: bool) -> None:
    batches = indices(len(inputs), seed)

    def loss(progress: float) -> Tensor:
        chosen = next(batches)
        return functional.cross_entropy(network(inputs[chosen]), labels[chosen])

    minimise(network.train().parameters(), loss, steps, one_cycle, half)


def dann(
    encoder: nn.Module,
    head: nn.Module,
    width: int,
    source: tuple[Tensor, Tensor],
    target: Tensor,
    steps: int,
    seed: int,
    half: bool,
) -> None:
    inputs, labels = source
    critic, binary = discriminator(width), functional.binary_cross_entropy_with_logits
    drawn, others = indices(len(inputs), seed), indices(len(target), seed + 1)
    size = min(BATCH, len(inputs))
    domain = torch.cat([torch.ones(size), torch.zeros(min(BATCH, len(target)))])

    def loss(progress: float) -> Tensor:
        chosen = next(drawn)
        features = encoder(torch.cat([inputs[chosen], target[next(others)]]))
        strength = 2 / (1 + math.exp(-10 * progress)) - 1
        guess = critic(Reverse.apply(features, strength))[:, 0]
        return functional.cross_entropy(head(features[:size]), labels[chosen]) + binary(guess.float(), domain)

    parameters = [*encoder.train().parameters(), *head.parameters(), *critic.parameters()]
    minimise(parameters, loss, steps, annealed, half)


@torch.inference_mode()
def encode(network: nn.Module, inputs: Tensor, half: bool) -> np.ndarray:
    """Return outputs `(N, D)`, float32; images go in channels last."""
    network = copy.deepcopy(network).eval()
    if inputs.dim() == 4:
        network = network.to(memory_format=torch.channels_last)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        return torch.cat([network(batch).float() for batch in inputs.split(256)]).numpy()


def accuracy(network: nn.Module, inputs: Tensor, labels: Tensor, half: bool) -> float:
    return float((encode(network, inputs, half).argmax(1) == labels.numpy()).mean())


def frozen(encoder: nn.Module, inputs: Tensor, labels: Tensor, half: bool):
    """Return scikit-learn's logistic regression on features that are computed once."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression()).fit(encode(encoder, inputs, half), labels.numpy())


def ridge(features: np.ndarray, labels: np.ndarray, strengths: np.ndarray) -> np.ndarray:
    """Return the weights `(S, D, C)` of one-hot ridge regression at each strength, by one eigendecomposition."""
    wanted = np.eye(labels.max() + 1, dtype=features.dtype)[labels]
    values, vectors = np.linalg.eigh(features.T @ features)
    projected = vectors.T @ (features.T @ wanted)
    return np.stack([vectors @ (projected / (values + strength)[:, None]) for strength in strengths])
