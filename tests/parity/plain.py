"""The strategies of MNIST -> optdigits in plain PyTorch: network, augmentation, training; nothing of tlbench.

Written from the papers and from the documented recipe. Every number that a recipe may change comes from `Recipe`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from plain_data import Data, Split, draw_budget
from plain_probe import fit_probe
from torch import Tensor, nn
from torch.nn import functional

CLASSES = 10


@dataclass(frozen=True)
class Recipe:
    """The training options of a strategy."""

    steps: int
    learning_rate: float
    batch_size: int = 64
    weight_decay: float = 1e-4
    hidden: int = 64
    """Units of each layer of the discriminator."""
    weight: float = 1.0
    """Final weight of the reversed gradient."""
    discriminator_rate: float = 1.0
    """Learning rate of the discriminator over that of the others."""


def convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(outputs)
    )


class Block(nn.Module):
    """A basic residual block (He et al. 2015)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs, 3, stride)
        self.second = convolution(outputs, outputs, 3)
        self.shortcut = convolution(inputs, outputs, 1, stride) if inputs != outputs else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        inside = self.second(functional.relu(self.first(images)))
        return functional.relu(inside + self.shortcut(images))


class Network(nn.Module):
    """uint8 images `(N, 1, 8, 8)` -> logits `(N, 10)`."""

    def __init__(self, mean: float, std: float, width: int = 8) -> None:
        super().__init__()
        self.mean, self.std = mean, std
        self.encoder = nn.Sequential(
            convolution(1, width, 3),
            nn.ReLU(),
            Block(width, width, 1),
            Block(width, 2 * width, 2),
            Block(2 * width, 4 * width, 2),
        )
        self.head = nn.Linear(4 * width, CLASSES)

    def features(self, images: Tensor) -> Tensor:
        return self.encoder((images.float() / 255 - self.mean) / self.std).mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images))


def augment(images: Tensor) -> Tensor:
    """Rotate by up to 0.25, scale the width by up to 15 %, shear by up to 0.3, shift by up to a pixel; add noise."""
    angle, stretch, shear, right, down = torch.rand(5, len(images)) * 2 - 1
    angle, stretch, shear = 0.25 * angle, 1 + 0.15 * stretch, 0.3 * shear
    # The grid is two units wide: 0.25 is an eighth of an image.
    first = torch.stack([stretch * angle.cos(), shear - angle.sin(), 0.25 * right], 1)
    second = torch.stack([angle.sin(), angle.cos(), 0.25 * down], 1)
    grid = functional.affine_grid(torch.stack([first, second], 1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images.float(), grid, padding_mode="border", align_corners=False)
    noisy = moved.round().clamp(0, 255) + torch.randn(images.shape) * (0.05 * 255)
    return noisy.round().clamp(0, 255).to(torch.uint8)


def batches(images: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (augmented images, their positions) without end; an epoch's short last batch is left out."""
    size = min(size, len(images))
    while True:
        for positions in torch.randperm(len(images)).split(size):
            if len(positions) == size:
                yield augment(images[positions]), positions


def one_cycle(progress: float) -> float:
    """Up on a cosine for 15 % of the steps, then down (Smith 2018)."""
    if progress < 0.15:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / 0.15)) / 2
    return 1e-4 + (1 - 1e-4) * (1 + math.cos(math.pi * (progress - 0.15) / 0.85)) / 2


def annealed(progress: float) -> float:
    """The rate of Ganin et al. 2016 behind a warm-up of a tenth of the steps."""
    return min(1.0, 0.05 + 10 * progress) / (1 + 10 * progress) ** 0.75


def minimise(
    modules: list[nn.Module],
    loss: Callable[[float], Tensor],
    recipe: Recipe,
    schedule: Callable[[float], float] = one_cycle,
    rates: tuple[float, ...] = (1.0,),
) -> None:
    groups = [{"params": list(module.parameters())} for module in modules]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    parameters = [parameter for group in groups for parameter in group["params"]]
    for module in modules:
        module.train()
    for step in range(recipe.steps):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = recipe.learning_rate * rate * schedule(step / recipe.steps)
        optimizer.zero_grad()
        loss(step / recipe.steps).backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
    for module in modules:
        module.eval()


def fit(network: Network, examples: Split, recipe: Recipe) -> Network:
    """Train everything on labelled examples."""
    drawn = batches(examples.images, recipe.batch_size)

    def loss(progress: float) -> Tensor:
        images, positions = next(drawn)
        return functional.cross_entropy(network(images), examples.labels[positions])

    minimise([network], loss, recipe)
    return network


def frozen(network: Network, examples: Split) -> Network:
    """Fit the head alone, to features in evaluation mode."""
    with torch.no_grad():
        weight, bias = fit_probe(network.features(examples.images).double(), examples.labels, CLASSES)
        network.head.weight.copy_(weight)
        network.head.bias.copy_(bias)
    return network


class Reverse(torch.autograd.Function):
    """Identity, whose gradient is reversed."""

    @staticmethod
    def forward(context, features: Tensor, strength: float) -> Tensor:
        context.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, None]:
        return -context.strength * gradient, None


def adversarial(network: Network, source: Split, target: Tensor, recipe: Recipe, conditional: bool) -> Network:
    """DANN (Ganin et al. 2016); conditional, CDAN without entropy weights (Long et al. 2018). The last model."""
    width = network.head.in_features * (CLASSES if conditional else 1)
    layers = (nn.Linear(width, recipe.hidden), nn.ReLU(), nn.Linear(recipe.hidden, recipe.hidden), nn.ReLU())
    critic = nn.Sequential(*layers, nn.Linear(recipe.hidden, 1))
    labelled, unlabelled = batches(source.images, recipe.batch_size), batches(target, recipe.batch_size)

    def loss(progress: float) -> Tensor:
        (images, positions), (others, _) = next(labelled), next(unlabelled)
        features = network.features(torch.cat([images, others]))
        logits = network.head(features)
        seen = features
        if conditional:
            seen = (logits.softmax(1).detach()[:, :, None] * features[:, None]).flatten(1)
        strength = recipe.weight * (2 / (1 + math.exp(-10 * progress)) - 1)
        domain = torch.cat([torch.ones(len(images)), torch.zeros(len(others))])
        guess = critic(Reverse.apply(seen, strength))[:, 0]
        return functional.cross_entropy(
            logits[: len(images)], source.labels[positions]
        ) + functional.binary_cross_entropy_with_logits(guess, domain)

    minimise([network, critic], loss, recipe, annealed, (1.0, recipe.discriminator_rate))
    return network


def adabn(network: Network, images: Tensor) -> Network:
    """Put the mean of the target's batch statistics into every BatchNorm (Li et al. 2016)."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None
            layer.train()
    with torch.no_grad():
        for part in images[torch.randperm(len(images))].split(256):
            network.features(part)
    return network.eval()


def accuracy(network: Network, examples: Split) -> float:
    with torch.no_grad():
        return (network.eval()(examples.images).argmax(1) == examples.labels).double().mean().item()


def scores(data: Data, seed: int, label_budget: int, recipes: dict[str, Recipe]) -> dict[str, float]:
    """Return the accuracy of every strategy on the target's test images."""
    torch.manual_seed(seed)
    pixels = data.source.images.double() / 255
    mean, std = pixels.mean().item(), pixels.std(correction=0).item()
    source = fit(Network(mean, std), data.source, recipes["source"])
    chosen = draw_budget(data.target.labels, label_budget)
    few, unlabelled = Split(*(part[chosen] for part in data.target)), data.target.images

    def adversary(name: str) -> Network:
        return adversarial(copy.deepcopy(source), data.source, unlabelled, recipes[name], conditional=name == "cdan")

    made = {
        "source-only": source,
        "frozen": frozen(copy.deepcopy(source), few),
        "finetune": fit(copy.deepcopy(source), few, recipes["finetune"]),
        "scratch": fit(Network(mean, std), few, recipes["scratch"]),
        "dann": adversary("dann"),
        "cdan": adversary("cdan"),
        "adabn": adabn(copy.deepcopy(source), unlabelled),
        "all-labels": fit(copy.deepcopy(source), data.target, recipes["all-labels"]),
    }
    return {name: accuracy(network, data.target_test) for name, network in made.items()}
