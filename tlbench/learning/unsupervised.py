"""Scores of a model without target labels, by which candidates are chosen; higher is better.

Probabilities are those of target inputs, `(M, C)`; losses are those of labelled source examples that were held out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
TEMPERATURE = 0.05
"""Of soft neighbourhood density, as in its paper."""


def certainty(probabilities: Values) -> float:
    """Return -H, the mean entropy of a prediction, in nats (Morerio et al. 2018, arXiv:1711.10288)."""
    return -float(_entropies(probabilities).mean())


def information_maximisation(probabilities: Values) -> float:
    """Return H(mean) - mean H, the mutual information of inputs and predictions, in nats (Bridle et al. 1991)."""
    return float(_entropies(probabilities.mean(0, keepdims=True))[0] - _entropies(probabilities).mean())


def class_shares(probabilities: Values, source: Values) -> float:
    """Return -H - KL(q, q_source): certain predictions with the class shares of the source.

    H is the mean entropy of a prediction and q their mean; `source` holds the shares q_source, `(C,)`. If these are
    equal, it is mutual information less log C. A share that has underflowed to 0 gives a large distance, not infinity.
    """
    shares = probabilities.mean(0)
    divergence = shares @ (np.log(np.maximum(shares, 1e-9)) - np.log(np.maximum(source, 1e-9)))
    return certainty(probabilities) - float(divergence)


def soft_neighbourhood_density(probabilities: Values) -> float:
    """Return the mean entropy of the similarities of a prediction to all others (Saito et al. 2021, arXiv:2108.10860).

    It is high if each prediction has many alike: dense neighbourhoods, as a model has that fits the target.
    """
    directions = probabilities / np.linalg.norm(probabilities, axis=1, keepdims=True)
    similarities = directions @ directions.T / TEMPERATURE
    np.fill_diagonal(similarities, -1 / TEMPERATURE)
    powers = np.exp(similarities - similarities.max(1, keepdims=True))
    return float(_entropies(powers / powers.sum(1, keepdims=True)).mean())


def importance_weights(source: Values, target: Values, held_out: Values) -> Values:
    """Return p(target | f) / p(source | f) for held-out source features `(M, D)`, by a logistic regression.

    `source` and `target` are the features that it is fitted to; they need not be as many.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    domain = np.repeat([0, 1], [len(source), len(target)])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    odds = classifier.fit(np.concatenate([source, target]), domain).decision_function(held_out)
    weights: Values = len(source) / len(target) * np.exp(np.clip(odds, -20, 20))
    return weights


def importance_weighted(losses: Values, weights: Values) -> float:
    """Return minus the weighted mean of held-out source losses (Sugiyama et al. 2007), weights adding up to one."""
    return -float(losses @ weights / weights.sum())


def deep_embedded_validation(losses: Values, weights: Values) -> float:
    """Return minus the weighted risk with a control variate, which lowers its variance (DEV, You et al. 2019)."""
    weighted = losses * weights
    variance = weights.var(ddof=1)
    slope = -np.cov(weighted, weights)[0, 1] / variance if variance > 0 else 0.0
    return -float(weighted.mean() + slope * weights.mean() - slope)


def _entropies(probabilities: Values) -> Values:
    # p log p is 0 at 0.
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    entropies: Values = -(probabilities * logs).sum(-1)
    return entropies
