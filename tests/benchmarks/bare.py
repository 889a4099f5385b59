"""Plain fp32 PyTorch with a DataLoader, as anybody would write it; nothing of tlbench."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

BATCH = 64


def loader(*tensors: Tensor, shuffle: bool = True) -> DataLoader:
    return DataLoader(TensorDataset(*tensors), batch_size=BATCH, shuffle=shuffle, drop_last=shuffle)


def accuracy(network: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    network.eval()
    right = 0
    with torch.no_grad():
        for batch, wanted in loader(inputs, labels, shuffle=False):
            right += (network(batch).argmax(1) == wanted).sum().item()
    return right / len(labels)


def fine_tune(network: nn.Module, inputs: Tensor, labels: Tensor, epochs: int = 1, rate: float = 1e-3) -> None:
    batches = loader(inputs, labels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=epochs * len(batches) + 1)
    for _ in range(epochs):
        network.train()
        running = 0.0
        for batch, wanted in batches:
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(batch), wanted)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            running += loss.item()


def frozen(encoder: nn.Module, head: nn.Module, inputs: Tensor, labels: Tensor, epochs: int) -> None:
    """Train the head; every epoch runs the frozen encoder again."""
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2)
    encoder.eval()
    for _ in range(epochs):
        running = 0.0
        for batch, wanted in loader(inputs, labels):
            with torch.no_grad():
                features = encoder(batch)
            optimizer.zero_grad()
            loss = functional.cross_entropy(head(features), wanted)
            loss.backward()
            optimizer.step()
            running += loss.item()


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(context, features, strength):
        context.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(context, gradient):
        return -context.strength * gradient, None


def discriminator(width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))


def dann(encoder: nn.Module, head: nn.Module, width: int, source: tuple[Tensor, Tensor], target: Tensor) -> None:
    """One epoch of Ganin et al. 2016."""
    critic = discriminator(width)
    parameters = [*encoder.parameters(), *head.parameters(), *critic.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=1e-4)
    labelled, unlabelled = loader(*source), loader(target)
    encoder.train()
    running = 0.0
    for step, ((batch, wanted), (other,)) in enumerate(zip(labelled, unlabelled, strict=False)):
        progress = step / len(labelled)
        optimizer.param_groups[0]["lr"] = 1e-3 * min(1.0, 10 * progress + 0.05) / (1 + 10 * progress) ** 0.75
        strength = 2 / (1 + math.exp(-10 * progress)) - 1
        features = encoder(torch.cat([batch, other]))
        label_loss = functional.cross_entropy(head(features[: len(batch)]), wanted)
        domain = torch.cat([torch.ones(len(batch)), torch.zeros(len(other))])
        guess = critic(Reverse.apply(features, strength)).squeeze(1)
        loss = label_loss + functional.binary_cross_entropy_with_logits(guess, domain)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
        running += loss.item()
