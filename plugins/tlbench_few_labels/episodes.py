"""Episodes: small tasks drawn from the source's classes, as those of few-shot learning."""

from __future__ import annotations

import numpy as np
import torch

from tlbench import Array, NotApplicable
from tlbench.learning import Domain


def examples_of_classes(source: Domain) -> Array:
    """Return `(N, C)` bool: which source examples have units of which class.

    Raises `NotApplicable` if fewer than two classes have two examples each.
    """
    targets = source.train.targets
    present = np.zeros((len(targets), len(source.labels)), bool)
    present[np.repeat(np.arange(len(targets)), targets.counts), targets.values] = True
    if (present.sum(0) >= 2).sum() < 2:
        raise NotApplicable("Episodes need two source classes with two examples each.")
    return present


def draw_episode(present: Array, ways: int, size: int, generator: torch.Generator) -> dict[int, Array]:
    """Return by class the positions of at most `size` examples that have it, for at most `ways` classes.

    `present` is `(N, C)` bool. No example is drawn twice; a class with less than two examples is never drawn.
    """
    classes = _shuffled(np.flatnonzero(present.sum(0) >= 2), generator)[:ways]
    free, drawn = np.ones(len(present), bool), {}
    for label in classes:
        drawn[int(label)] = _shuffled(np.flatnonzero(present[:, label] & free), generator)[:size]
        free[drawn[int(label)]] = False
    return drawn


def _shuffled(values: Array, generator: torch.Generator) -> Array:
    shuffled: Array = values[torch.randperm(len(values), generator=generator).numpy()]
    return shuffled
