"""The loops of `bare.py` as Lightning's users write them, without logs and checkpoints; nothing of tlbench."""

from __future__ import annotations

import math

import bare
import lightning
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader


def fit(module: lightning.LightningModule, batches: object, epochs: int) -> None:
    """Train a module."""
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=5.0,
    )
    trainer.fit(module, batches)


class Classifier(lightning.LightningModule):
    """An encoder and a head; a frozen encoder runs again in every step."""

    def __init__(self, encoder: nn.Module, head: nn.Module, rate: float, frozen: bool) -> None:
        super().__init__()
        self.encoder, self.head, self.rate, self.frozen = encoder, head, rate, frozen
        for parameter in encoder.parameters():
            parameter.requires_grad_(not frozen)

    def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        inputs, labels = batch
        if self.frozen:
            self.encoder.eval()
        return functional.cross_entropy(self.head(self.encoder(inputs)), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW([p for p in self.parameters() if p.requires_grad], lr=self.rate, weight_decay=1e-4)


class Adversarial(lightning.LightningModule):
    """One epoch of Ganin et al. 2016."""

    def __init__(self, encoder: nn.Module, head: nn.Module, width: int, steps: int) -> None:
        super().__init__()
        self.encoder, self.head, self.critic, self.steps = encoder, head, bare.discriminator(width), steps

    def training_step(self, batch: list[list[Tensor]], number: int) -> Tensor:
        (inputs, labels), (other,) = batch
        strength = 2 / (1 + math.exp(-10 * number / self.steps)) - 1
        features = self.encoder(torch.cat([inputs, other]))
        domain = torch.cat([torch.ones(len(inputs)), torch.zeros(len(other))])
        guess = self.critic(bare.Reverse.apply(features, strength)).squeeze(1)
        return functional.cross_entropy(
            self.head(features[: len(inputs)]), labels
        ) + functional.binary_cross_entropy_with_logits(guess, domain)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=1e-3, weight_decay=1e-4)


def fine_tune(encoder: nn.Module, head: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    fit(Classifier(encoder, head, 1e-3, frozen=False), bare.loader(inputs, labels), 1)


def frozen(encoder: nn.Module, head: nn.Module, inputs: Tensor, labels: Tensor, epochs: int) -> None:
    fit(Classifier(encoder, head, 1e-2, frozen=True), bare.loader(inputs, labels), epochs)


def dann(encoder: nn.Module, head: nn.Module, width: int, source: tuple[Tensor, Tensor], target: Tensor) -> None:
    from lightning.pytorch.utilities import CombinedLoader

    labelled: DataLoader = bare.loader(*source)
    both = CombinedLoader([labelled, bare.loader(target)], mode="min_size")
    fit(Adversarial(encoder, head, width, len(labelled)), both, 1)
