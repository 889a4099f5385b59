"""Features of texts, over the ids of the tokens that the backbone makes of them: words and letters are not given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench import Array
from tlbench.learning import Encoder, Linear

BUCKETS, WORD_BUCKETS = 16381, 65521
"""Places of n-grams, and of what is known of a word; primes, so that all digits of a hash count."""
FACTOR = 1_000_003
LONGEST = 3
"""Tokens in an n-gram at the most."""
STRENGTH = 10.0
"""Inverse L2 strength of logistic regression on features of norm 1, and ridge's inverse penalty."""


def bucket(parts: Sequence[Tensor | int], count: int) -> Tensor:
    """Return a place in 0..count-1 for each combination of whole numbers, int64."""
    place: Tensor | int = 0
    for part in parts:
        place = (place * FACTOR + part) % count
    assert isinstance(place, Tensor)
    return place


class Counts(Encoder):
    """Token ids `(N, T)`, 0 for padding -> features `(N, BUCKETS)`: how often each n-gram occurs, by its hash."""

    feature_dim = BUCKETS

    def forward(self, ids: Tensor, *rest: Tensor) -> Tensor:
        ids = ids.long()
        padded = functional.pad(ids, (0, LONGEST - 1))
        counts = torch.zeros(ids.shape[0], BUCKETS, device=ids.device)
        there = torch.ones_like(ids, dtype=torch.bool)
        tokens: list[Tensor] = []
        for size in range(1, LONGEST + 1):
            tokens.append(padded[:, size - 1 : size - 1 + ids.shape[1]])
            there = there & (tokens[-1] > 0)
            counts = counts.scatter_add(1, bucket([size, *tokens], BUCKETS), there.float())
        return counts


class TfIdf(nn.Module):
    """Counts `(..., BUCKETS)` -> (1 + log count) idf, of Euclidean norm 1 (Salton & Buckley 1988)."""

    idf: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("idf", torch.ones(BUCKETS))

    def forward(self, counts: Tensor) -> Tensor:
        weighted = torch.where(counts > 0, 1 + counts.clamp(min=1).log(), 0.0) * self.idf
        return functional.normalize(weighted, dim=-1)


def fit_counts(head: nn.Module, counts: Array, targets: Array) -> None:
    """Fit TF-IDF and a linear model to counts `(N, BUCKETS)`."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import TfidfTransformer

    assert isinstance(head, nn.Sequential)
    weigh, linear = head
    assert isinstance(weigh, TfIdf)
    tfidf = TfidfTransformer(sublinear_tf=True)
    features = tfidf.fit_transform(csr_matrix(counts))
    with torch.no_grad():
        weigh.idf.copy_(torch.from_numpy(tfidf.idf_))
    fit_linear(features, targets, linear.out_features).copy_into(linear)


class Words(Encoder):
    """Token ids `(N, T)` and places of words `(N, W)` -> features `(N, W, K)`: places of what is known of each word.

    Without places, each token is a word.
    """

    feature_dim = 14

    def __init__(self, inputs: int, replaced: Encoder) -> None:
        super().__init__()
        self.placed = inputs > 1
        self._replaced = (replaced,)  # In a tuple, it is no part of the model.

    def units(self, *inputs: Tensor) -> Tensor | None:
        return self._replaced[0].units(*inputs)

    def forward(self, ids: Tensor, *rest: Tensor) -> Tensor:
        ids = ids.long()
        places = rest[-1].long() if self.placed else torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        before, here, after, later = (_at(ids, places + step) for step in (-1, 0, 1, 2))
        following = functional.pad(places, (0, 1))[:, 1:]
        length = (following - places).clamp(0, 6)
        earlier = functional.pad(places, (1, 0))[:, :-1]
        last, past, coming = _at(ids, following - 1), _at(ids, earlier), _at(ids, following)
        rarity = sum((here > 2**power).long() for power in range(4, 17))
        known = [
            [here],
            [last],
            [before],
            [after],
            [past],
            [coming],
            [here, after],
            [here, last],
            [past, here],
            [here, coming],
            [length],
            [length, rarity],
            [before, rarity],
            [after, later],
        ]
        return torch.stack([bucket([kind + 1, *parts], WORD_BUCKETS) for kind, parts in enumerate(known)], -1).float()


def _at(ids: Tensor, places: Tensor) -> Tensor:
    """Return the ids `(N, W)` at places from -1 on, up to two behind the end; 0 outside."""
    return functional.pad(ids, (1, 2)).gather(1, places + 1)


class SumOfWeights(nn.Module):
    """Places `(..., K)` -> outputs `(..., C)`: the sums of their weights, as of a linear model."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Embedding(WORD_BUCKETS, outputs)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, places: Tensor) -> Tensor:
        weights: Tensor = self.weight(places.long())
        return weights.sum(-2) + self.bias


def fit_words(head: nn.Module, places: Array, targets: Array) -> None:
    """Fit a linear model to which features `(M, K)` each word has."""
    from scipy.sparse import csr_matrix

    assert isinstance(head, SumOfWeights)
    columns = places.astype(np.int64)
    starts = np.arange(0, columns.size + 1, columns.shape[1])
    ones = np.ones(columns.size)
    features = csr_matrix((ones, columns.ravel(), starts), (len(columns), WORD_BUCKETS))
    features.sum_duplicates()
    linear = fit_linear(features, targets, len(head.bias))
    with torch.no_grad():
        head.weight.weight.copy_(torch.from_numpy(linear.weight.T))
        head.bias.copy_(torch.from_numpy(linear.bias))


def fit_linear(features: Any, targets: Array, outputs: int) -> Linear:
    """Fit logistic regression to sparse features `(M, D)` and labels `(M,)`; one for each label of `(M, L)` 0/1; ridge
    regression to numbers `(M, C)`.
    """
    from sklearn.linear_model import Ridge

    if targets.dtype.kind == "f":
        ridge = Ridge(1 / STRENGTH).fit(features, targets)
        return Linear(np.atleast_2d(ridge.coef_), np.atleast_1d(ridge.intercept_))
    if targets.ndim == 1:
        return fit_classes(features, targets, outputs)
    pairs = [fit_classes(features, column, 2) for column in targets.T]
    return Linear(
        np.stack([pair.weight[1] - pair.weight[0] for pair in pairs]),
        np.stack([pair.bias[1] - pair.bias[0] for pair in pairs]),
    )


def fit_classes(features: Any, targets: Array, outputs: int) -> Linear:
    """Fit logistic regression; a label without an example has the bias of one of M + C."""
    from sklearn.linear_model import LogisticRegression

    seen, size = np.unique(targets), len(targets)
    weight = np.zeros((outputs, features.shape[1]), np.float32)
    bias = np.full(outputs, -np.log(size + outputs), np.float32)
    if len(seen) == 1:
        bias[seen] = 0
        return Linear(weight, bias)
    used = np.unique(features.indices)  # The weights of all others are 0.
    model = LogisticRegression(C=STRENGTH, max_iter=1000).fit(features[:, used], targets)
    coef, intercept = model.coef_, model.intercept_
    if len(seen) == 2:  # One row for two classes: the log-odds.
        coef, intercept = np.concatenate([-coef, coef]) / 2, np.concatenate([-intercept, intercept]) / 2
    weight[np.ix_(seen, used)], bias[seen] = coef, intercept
    return Linear(weight, bias)
