"""Questions with their contexts and answers, and what a model learns from them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tlbench import Array, Side, Split
from tlbench.assets import context_words

NO_ANSWER = "no answer"
"""The label of both domains if a question may have no answer in its context; else they have no labels."""
LONGEST = 30
"""Words of a predicted answer at the most, as Devlin et al. 2019 bound its tokens."""


@dataclass(frozen=True)
class Question:
    """A question, its context, and the answers that are accepted; none if the context has no answer."""

    question: str
    context: str
    answers: Sequence[tuple[str, int]]
    """Text and first character of each, the one to learn first."""
    group: str = ""
    """The name of the context, for questions that share one."""


def marks(question: Question) -> Array:
    """Return `(W,)` int8: 1 for the word of the context in which the first answer begins, 2 where it ends, 3 for both.

    All are 0 without an answer.
    """
    import numpy as np

    words = context_words(question.context)
    marked = np.zeros(len(words), np.int8)
    if question.answers:
        first, last = answer_words(words, *question.answers[0])
        marked[first] |= 1
        marked[last] |= 2
    return marked


def answer_words(words: Sequence[tuple[int, int]], answer: str, start: int) -> tuple[int, int]:
    """Return the first and the last word that has a character of an answer; the second is less if it has no word."""
    end = start + len(answer)
    return bisect_right([word[1] for word in words], start), bisect_left([word[0] for word in words], end) - 1


def side_of(train: Sequence[Question], test: Sequence[Question], labels: tuple[str, ...]) -> Side:
    """Return a domain; `labels` are `("no answer",)` if a question may have none."""
    return Side(labels=labels, train=split_of(train), test=split_of(test))


def split_of(questions: Sequence[Question]) -> Split:
    """Return pairs of question and context, marks, and as references the context with the accepted answers."""
    return Split(
        inputs=[(one.question, one.context) for one in questions],
        labels=[marks(one) for one in questions],
        references=[{"context": one.context, "answers": [text for text, _ in one.answers]} for one in questions],
        groups=[one.group for one in questions] if questions and questions[0].group else None,
    )
