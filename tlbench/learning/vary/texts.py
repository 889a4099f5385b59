"""Transformations of the token numbers of texts, after the noise of Lample et al. 2018 (arXiv:1711.00043).

What is dropped or moved is a token, which may be a part of a word. Padding and special tokens keep their places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tlbench.contract.requests import AugmentRequest
from tlbench.learning.vary.named import named


@dataclass(frozen=True)
class Ranges:
    """How far the transformations go."""

    dropped: float
    """Probability that a token is dropped."""
    places: int
    """Places by which a token moves at most."""


RANGES = {
    # The paper drops a tenth of the words and moves words by up to three places.
    "weak": Ranges(dropped=0.1, places=1),
    "strong": Ranges(dropped=0.2, places=3),
}


def vary_texts(request: AugmentRequest, special: Sequence[int]) -> tuple[Tensor, ...]:
    """Return token numbers `(N, T)`, each text changed by the named transformations in their order; 0 is padding.

    `word-dropout` drops tokens, one at least stays; `word-swap` moves them by a few places. Other inputs of the same
    shape, such as the numbers of segments, move with their tokens. `special` are numbers of tokens that stay, such as
    those that begin and end a text. For tasks with one answer for a text: places of words would no longer be right.
    Raises `UnknownNameError`.
    """
    columns = request.inputs
    for transform in named(request, TRANSFORMATIONS):
        fixed = torch.isin(columns[0], torch.tensor([0, *special], dtype=columns[0].dtype))
        columns = transform(columns, fixed, request.generator, RANGES[request.strength])
    return columns


def word_dropout(
    columns: tuple[Tensor, ...], fixed: Tensor, generator: torch.Generator, ranges: Ranges
) -> tuple[Tensor, ...]:
    """Drop tokens; those behind move up, and padding fills the end."""
    drawn = torch.rand(fixed.shape, generator=generator).masked_fill(fixed, -1.0)
    # The token with the largest draw stays, whatever it is.
    kept = fixed | (drawn >= ranges.dropped) | (drawn == drawn.amax(1, keepdim=True))
    order = (~kept).to(torch.uint8).argsort(dim=1, stable=True)
    return tuple((column * kept).gather(1, order) for column in columns)


def word_swap(
    columns: tuple[Tensor, ...], fixed: Tensor, generator: torch.Generator, ranges: Ranges
) -> tuple[Tensor, ...]:
    """Sort tokens by their place plus a number between 0 and k + 1: none moves by more than k places."""
    length = fixed.shape[1]
    places = torch.arange(length) + (ranges.places + 1) * torch.rand(fixed.shape, generator=generator)
    # Each special token ends a run and begins the next: nothing passes it.
    runs = fixed.long().cumsum(1) + (fixed.long().cumsum(1) - fixed.long())
    order = (runs * (length + ranges.places + 1) + places).argsort(dim=1, stable=True)
    return tuple(column.gather(1, order) for column in columns)


TRANSFORMATIONS = {"word-dropout": word_dropout, "word-swap": word_swap}
