"""Features of the words of a context: what the question has in common with them and with the words around.

The logistic regression of Rajpurkar et al. 2016 (arXiv:1606.05250) has features of this sort: lexical overlap, and the
question word together with the word itself.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tlbench_baselines.classical.words import PIECES, SpelledWords, Words

NEAR = 5
"""Words on each side in which those of the question are counted."""
MORE = 8
"""Features that the question adds."""


class Asked(Words):
    """Token ids `(N, T)` of question and context, and 1 + places of the words of the context `(N, W)`, as `Words`."""

    feature_dim = Words.feature_dim + MORE

    def places(self, ids: Tensor, *rest: Tensor) -> Tensor:
        return (rest[-1].long() - 1).clamp(min=0)

    def known(self, ids: Tensor, places: Tensor) -> list[list[Tensor]]:
        known = super().known(ids, places)
        return [*known, *with_question(ids, places, known[0][0], known[1][0])]


class SpelledAsked(SpelledWords):
    """The same for a backbone that says what its tokens are: whatever their case, and by the shapes of words."""

    feature_dim = SpelledWords.feature_dim + MORE

    def places(self, ids: Tensor, *rest: Tensor) -> Tensor:
        return (rest[-1].long() - 1).clamp(min=0)

    def known(self, ids: Tensor, places: Tensor) -> list[list[Tensor]]:
        known = super().known(ids, places)
        return [*known, *with_question(self.lower[ids], places, known[0][0], known[1][0])]


def with_question(tokens: Tensor, places: Tensor, word: Tensor, shape: Tensor) -> list[list[Tensor]]:
    """Return what a question adds to what is known of each word, each a list of whole numbers `(N, W)`.

    `tokens` `(N, T)` are numbers of tokens, 0 for those without a text, and `word` and `shape` `(N, W)` are numbers of
    the words. Tokens before the first word of the context are the question.
    """
    begin = torch.where(places > 0, places, tokens.shape[1]).amin(1, keepdim=True)
    before = torch.arange(tokens.shape[1], device=tokens.device) < begin
    question = torch.where(before, tokens, 0)
    in_question = ((tokens[:, :, None] == question[:, None, :]) & (tokens > 0)[:, :, None]).any(2)
    following = functional.pad(places, (0, 1))[:, 1:]
    ends = torch.where(following > places, following, places + 1)
    steps = [places + step for step in range(PIECES)]
    padded = functional.pad(in_question, (0, PIECES))
    here = torch.stack([padded.gather(1, step) | (step >= ends) for step in steps]).all(0) & (places > 0)
    left, right = _near(here.long())
    asked = [_token(question, place).expand_as(places) for place in (1, 2)]
    return [
        [here.long()],
        [left, right],
        [here.long(), left, right],
        [asked[0], shape],
        [asked[0], word],
        [*asked, shape],
        [asked[0], shape, here.long(), left],
        [asked[0], shape, here.long(), right],
    ]


def _near(here: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many of the words on the left and on the right of each `(N, W)` are in the question."""
    before = functional.pad(here.cumsum(1), (NEAR + 1, NEAR))
    words = here.shape[1]
    total = here.cumsum(1)
    left = total - here - before[:, :words]
    end = functional.pad(total, (0, NEAR), value=0)[:, NEAR:]
    last = total[:, -1:]
    inside = torch.arange(words, device=here.device) + NEAR < words
    return left, torch.where(inside, end, last) - total


def _token(question: Tensor, place: int) -> Tensor:
    """Return the token `(N, 1)` at a place of the question."""
    return functional.pad(question, (0, place + 1))[:, place : place + 1]
