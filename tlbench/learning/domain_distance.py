"""How far apart two domains are, by their features."""

from __future__ import annotations

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.probe import fit_probe


def a_distance(source: Array, target: Array) -> float:
    """Return the proxy A-distance 2 (1 - 2 err) of two sets of features (Ben-David et al. 2007), in [0, 2].

    `err` is the error of a linear domain classifier on the half of both sets that it was not fitted to. Both sets count
    as many units, an even number N of 2,000 at the most, always the same ones: else "it is of the larger set" would be
    right too often. The distance has steps of 4 / N.
    """
    # One fixed seed: the distance is a property of the features, not of the pairing's seed.
    random = np.random.default_rng(0)
    size = min(len(source), len(target), 2000) // 2 * 2
    drawn = [features[random.permutation(len(features))[:size]] for features in (source, target)]
    train, test = (np.concatenate([part[half::2] for part in drawn]) for half in (0, 1))
    domain = np.repeat([0, 1], size // 2)
    error = float((fit_probe(train, domain, 2).outputs(test).argmax(1) != domain).mean())
    # Clipped below: a classifier that is worse than chance on a small half says no distance, not a negative one.
    return min(2.0, max(0.0, 2 * (1 - 2 * error)))
