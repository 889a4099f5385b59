"""Reptile (Nichol et al. 2018)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench.learning import AdaptRequest, TransferModel, device_of
from tlbench_few_labels.episodes import draw_episode, examples_of_classes

NO_CLASS = -100
"""A label that does not count in the loss: that of a unit whose class is not in the episode."""


def reptile(request: AdaptRequest) -> TransferModel:
    """Learn weights from which a few steps learn a task: episodes of the source, then fine-tuning on the label budget.

    1. Draw an episode, train on it for some steps of Adam without momentum: from the weights phi to theta.
    2. phi <- phi + epsilon (theta - phi), where epsilon falls to 0.
    3. After the last episode, fine-tune encoder and head `target` on the label budget.
    """
    model, options, target = request.model, request.options, request.target
    trained, inner = nn.ModuleList([model.encoder, model.heads["target"]]), options["inner_steps"]
    tuning = min(options["tuning_steps"], options["steps"] // 2)
    meta_steps = options["steps"] - tuning
    batches, labelled = episode_batches(request), request.batches(target.train)
    start = [weight.detach().clone() for weight in trained.parameters()]

    def episode_loss(progress: float) -> Tensor:
        inputs, labels = next(batches)
        return functional.cross_entropy(model(*inputs).units, labels, ignore_index=NO_CLASS)

    def after_step(progress: float) -> None:
        done = round(progress * meta_steps) + 1
        if done % inner == 0 or done == meta_steps:
            meta_step(start, trained.parameters(), options["meta_rate"] * (1 - progress))

    def loss(progress: float) -> Tensor:
        inputs, targets, _ = next(labelled)
        return target.kind.loss(model(*inputs), targets)

    request.train(
        trained, episode_loss, schedule=lambda progress: 1.0, optimizer=adam, after_step=after_step, steps=meta_steps
    )
    request.train(trained, loss, steps=tuning)
    return model


def episode_batches(request: AdaptRequest) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    """Yield batches of episodes without end, `inner_steps` of each: inputs, and labels `(M,)` int64.

    An episode has as many classes as the target if the source has them. Each stands for an output of the head `target`
    that is drawn anew, so that the head learns no class of the source.
    """
    source, options, outputs = request.source, request.options, len(request.target.labels)
    present = examples_of_classes(source)
    while True:
        drawn = draw_episode(present, outputs, options["shots"], request.generator)
        places = torch.randperm(outputs, generator=request.generator)[: len(drawn)]
        output_of = torch.full((len(source.labels),), NO_CLASS)
        output_of[list(drawn)] = places
        output_of = output_of.to(device_of(request.model))
        episode = source.train.select(np.concatenate(list(drawn.values())))
        batches = request.batches(episode, size=options["inner_batch"])
        for _ in range(options["inner_steps"]):
            inputs, targets, _ = next(batches)
            yield inputs, output_of[targets.values]


@torch.no_grad()
def meta_step(start: Sequence[Tensor], weights: Iterable[Tensor], rate: float) -> None:
    """Move the start of an episode towards its end, phi <- phi + rate (theta - phi), and go on from there."""
    for phi, theta in zip(start, weights, strict=True):
        theta.copy_(phi.lerp_(theta, rate))


def adam(groups: list[dict[str, object]]) -> torch.optim.Optimizer:
    """Return Adam as the paper has it within an episode: without momentum."""
    return torch.optim.Adam(groups, betas=(0.0, 0.999))
