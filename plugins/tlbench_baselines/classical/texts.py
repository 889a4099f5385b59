"""Features of texts: n-grams of the tokens that the backbone makes of them, and of letters, if it says the tokens."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tlbench import Array
from tlbench.learning import Encoder
from tlbench_baselines.classical.linear import fit_linear

BUCKETS = 16381
"""Places of n-grams; a prime, so that all digits of a hash count."""
FACTOR = 1_000_003
LONGEST = 3
"""Tokens in an n-gram at the most."""
LETTERS = range(2, 6)
"""Letters in an n-gram."""


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
        counts = torch.zeros(ids.shape[0], BUCKETS, device=ids.device)
        return self.counted(counts, ids.long())

    def counted(self, counts: Tensor, ids: Tensor) -> Tensor:
        """Return counts to which n-grams of tokens are added."""
        padded = functional.pad(ids, (0, LONGEST - 1))
        there = torch.ones_like(ids, dtype=torch.bool)
        tokens: list[Tensor] = []
        for size in range(1, LONGEST + 1):
            tokens.append(padded[:, size - 1 : size - 1 + ids.shape[1]])
            there = there & (tokens[-1] > 0)
            counts = counts.scatter_add(1, bucket([size, *tokens], BUCKETS), there.float())
        return counts


class SpelledCounts(Counts):
    """The same without regard to case, and n-grams of the letters in each token, for a backbone that says its texts."""

    lower: Tensor
    grams: Tensor

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__()
        lower = [text.lower() for text in texts]
        grams = [letter_grams(text) for text in lower]
        width = max(map(len, grams))
        table = [[*part, *[0] * (width - len(part))] for part in grams]
        self.register_buffer("lower", torch.tensor([number(text) for text in lower]), persistent=False)
        self.register_buffer("grams", torch.tensor(table, dtype=torch.int64), persistent=False)

    def counted(self, counts: Tensor, ids: Tensor) -> Tensor:
        """Return counts to which n-grams of tokens and of their letters are added."""
        grams = self.grams[ids].flatten(1)
        counts = counts.scatter_add(1, grams, (grams > 0).float())
        return super().counted(counts, self.lower[ids])


def letter_grams(text: str) -> list[int]:
    """Return a place from 1 for each run of letters in a text, the space before a word among them."""
    runs = (text[start : start + size] for size in LETTERS for start in range(len(text) - size + 1))
    return [1 + number(run) % (BUCKETS - 1) for run in runs]


def number(text: str) -> int:
    """Return a number from 1 for a text; 0 for none."""
    return zlib.crc32(text.encode()) + 1 if text else 0


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
    assert isinstance(linear, nn.Linear)
    tfidf = TfidfTransformer(sublinear_tf=True)
    features = tfidf.fit_transform(csr_matrix(counts))
    with torch.no_grad():
        weigh.idf.copy_(torch.from_numpy(tfidf.idf_))
    fit_linear(features, targets, linear.out_features).copy_into(linear)
