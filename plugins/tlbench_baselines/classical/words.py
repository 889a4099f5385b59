"""Features of words in a sentence: spelling and neighbours, as far as the backbone's tokens tell of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench import Array
from tlbench.learning import Encoder
from tlbench_baselines.classical.linear import fit_linear
from tlbench_baselines.classical.texts import bucket, number

BUCKETS = 65521
"""Places of what is known of a word; a prime, so that all digits of a hash count."""
PIECES = 4
"""Tokens of a word that tell it from others."""
TWICE = 2
"""Words that must have a feature for it to have a weight."""


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
        known = self.known(ids, self.places(ids, *rest))
        return torch.stack([bucket([kind + 1, *parts], BUCKETS) for kind, parts in enumerate(known)], -1).float()

    def places(self, ids: Tensor, *rest: Tensor) -> Tensor:
        """Return the place of the first token of each word, `(N, W)`."""
        return rest[-1].long() if self.placed else torch.arange(ids.shape[1], device=ids.device).expand_as(ids)

    def known(self, ids: Tensor, places: Tensor) -> list[list[Tensor]]:
        """Return what is known of each word, each a list of whole numbers `(N, W)`: its tokens and those around."""
        before, here, after, later = (_at(ids, places + step) for step in (-1, 0, 1, 2))
        following, earlier = _next(places), _previous(places)
        last, past, coming = _at(ids, following - 1), _at(ids, earlier), _at(ids, following)
        length = (following - places).clamp(0, 6)
        alone = [[part] for part in (here, last, before, after, past, coming, length)]
        pairs = [[here, after], [here, last], [past, here], [here, coming], [here, length], [before, length]]
        return [*alone, *pairs, [after, later]]


class SpelledWords(Words):
    """The same for a backbone that says what its tokens are: shapes, beginnings and ends of words and neighbours."""

    feature_dim = 13

    lower: Tensor
    end: Tensor
    short_end: Tensor
    first: Tensor
    sorts: Tensor

    def __init__(self, inputs: int, replaced: Encoder, tokens: Sequence[str]) -> None:
        super().__init__(inputs, replaced)
        texts = [token.strip() for token in tokens]
        lower = [text.lower() for text in texts]
        for name, values in (
            ("lower", [number(text) for text in lower]),
            ("end", [number(text[-3:]) for text in lower]),
            ("short_end", [number(text[-2:]) for text in lower]),
            ("first", [_sort(text[0]) + 1 if text else 0 for text in texts]),
            ("sorts", [[sum(_sort(letter) == sort for letter in text) for sort in range(4)] for text in texts]),
        ):
            self.register_buffer(name, torch.tensor(values), persistent=False)

    def known(self, ids: Tensor, places: Tensor) -> list[list[Tensor]]:
        """Return what is known of each word, each a list of whole numbers `(N, W)`."""
        lower = self.lower[ids]
        # The last word ends where the text does; the places behind are of padding.
        stop = ((lower > 0) * torch.arange(1, ids.shape[1] + 1, device=ids.device)).amax(1, keepdim=True)
        following = _next(places)
        following = torch.where(following > places, following, stop)
        parts = [_at(lower, places + step) * (places + step < following) for step in range(PIECES)]
        there = parts[0] > 0
        shape = torch.where(there, self.shape(ids, places, following) + 1, 0)
        word = torch.where(there, bucket([*parts, following - places], BUCKETS) + 1, 0)
        last = _at(lower, following - 1)
        ends = [_at(table[ids], following - 1) for table in (self.end, self.short_end)]
        past, coming = _previous(shape), _next(shape)
        alone = [[part] for part in (word, shape, parts[0], last, *ends, _previous(word), _next(word))]
        return [*alone, parts[:2], [past, shape], [shape, coming], [past, shape, coming], [_previous(word), shape]]

    def shape(self, ids: Tensor, places: Tensor, following: Tensor) -> Tensor:
        """Return a number for how a word begins, and whether it has capitals, small letters, digits, other signs."""
        before = functional.pad(self.sorts[ids].cumsum(1), (0, 0, 1, 0))
        start, stop = (at[..., None].expand(-1, -1, 4) for at in (places, following.clamp(min=0)))
        most = torch.tensor([2, 1, 1, 1], device=ids.device)
        capitals, small, digits, others = (before.gather(1, stop) - before.gather(1, start)).minimum(most).unbind(-1)
        return (((_at(self.first[ids], places) * 3 + capitals) * 2 + small) * 2 + digits) * 2 + others


def _sort(letter: str) -> int:
    """Return 0 for a capital, 1 for another letter, 2 for a digit, 3 for another sign."""
    return 0 if letter.isupper() else 1 if letter.isalpha() else 2 if letter.isnumeric() else 3


def _next(values: Tensor) -> Tensor:
    """Return for each word `(N, W)` the value of the next; 0 behind the last."""
    return functional.pad(values, (0, 1))[:, 1:]


def _previous(values: Tensor) -> Tensor:
    """Return for each word `(N, W)` the value of the one before; 0 before the first."""
    return functional.pad(values, (1, 0))[:, :-1]


def _at(values: Tensor, places: Tensor) -> Tensor:
    """Return the values `(N, W)` at places from -1 on, up to three behind the end; 0 outside."""
    return functional.pad(values, (1, PIECES - 1)).gather(1, places + 1)


class SumOfWeights(nn.Module):
    """Places `(..., K)` -> outputs `(..., C)`: the sums of their weights, as of a linear model."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Embedding(BUCKETS, outputs)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, places: Tensor) -> Tensor:
        weights: Tensor = self.weight(places.long())
        return weights.sum(-2) + self.bias


def fit_words(head: nn.Module, places: Array, targets: Array, counts: Array) -> None:
    """Fit a linear model to which features `(M, K)` each word has, of the `(N,)` words of each sentence."""
    from scipy.sparse import csr_matrix

    assert isinstance(head, SumOfWeights)
    columns = places.astype(np.int64)
    starts = np.arange(0, columns.size + 1, columns.shape[1])
    ones = np.ones(columns.size)
    features = csr_matrix((ones, columns.ravel(), starts), (len(columns), BUCKETS))
    features.sum_duplicates()
    # What one word alone has says nothing of others.
    often = np.bincount(features.indices, minlength=BUCKETS) >= TWICE
    features.data *= often[features.indices]
    features.eliminate_zeros()
    linear = fit_linear(features, targets, len(head.bias), np.repeat(np.arange(len(counts)), counts))
    with torch.no_grad():
        head.weight.weight.copy_(torch.from_numpy(linear.weight.T))
        head.bias.copy_(torch.from_numpy(linear.bias))
