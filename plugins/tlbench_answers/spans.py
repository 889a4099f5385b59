"""The answer to a question as a range of words of its context: the best range, its text, and the context with a mark.

An export carries what this class needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tlbench.assets import context_words
from tlbench.learning import Numbers
from tlbench_answers.examples import LONGEST

AROUND = 60
"""Characters of the context that are shown on each side of an answer."""


class Spans(Numbers):
    """The range of words with the largest sum of both scores; no range if the score of no answer is larger."""

    outputs = (
        "Numbers for each word of the context: scores of a start and of an end of the answer, and a third if questions "
        "may have no answer; its mean over all words is the score of none, as a start and as an end."
    )
    parts = "texts"

    def predict(self, outputs: Any, targets: Any = None) -> Any:
        """Return for each example the first and the last word of its answer, `(1, 2)` int32; `(0, 2)` for none."""
        return [best_span(scores) for scores in outputs.split()]

    def decide(self, outputs: Any) -> Any:
        """Return the same."""
        return self.predict(outputs)

    def parse(self, text: str) -> Any:
        """Return the question, which is the first line of a text, and the context, which is the rest."""
        question, _, context = text.strip().partition("\n")
        if not context.strip():
            raise ValueError("A text file holds a question in its first line, and its context in the others.")
        return [question.strip(), context.strip()]

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return the question, its answer, and the answer in its context, between brackets."""
        if not all(isinstance(part, str) for part in example):
            return self.name_words(prediction)
        question, context = example
        start, end = characters(context, prediction)
        if start == end:
            return f"{question} -> no answer"
        before, after = context[max(0, start - AROUND) : start], context[end : end + AROUND]
        dots = "..." if start > AROUND else "", "..." if end + AROUND < len(context) else ""
        shown = " ".join(f"{dots[0]}{before}[{context[start:end]}]{after}{dots[1]}".split())
        return f"{question} -> {context[start:end]}   ({shown})"

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the words of the marked answer by number."""
        marked = np.reshape(targets, (len(targets), -1))[:, :2]
        return [self.name_words(np.argmax(marked, 0)[None] if marked.any() else marked[:0])]

    def name_words(self, prediction: Any) -> str:
        """Return a prediction `(1, 2)` or `(0, 2)` in words."""
        ranges = np.reshape(prediction, (-1, 2)).tolist()
        return "no answer" if not ranges else "words {} to {}".format(*ranges[0])


def best_span(scores: Any) -> Any:
    """Return the first and the last word `(1, 2)` of the best answer by `scores` `(W, C)`, or `(0, 2)` for none.

    Of answers up to `LONGEST` words, that with the largest sum of its start's and its end's score; of equal ones the
    first, and of these the shortest. With a third score, no answer is taken if twice the mean of it is larger.
    """
    words = len(scores)
    if not words:
        return np.zeros((0, 2), np.int32)
    start, end = (np.asarray(column, np.float64) for column in scores[:, :2].T)
    lengths = min(LONGEST, words)
    sums = np.full((words, lengths), -np.inf)
    for more in range(lengths):
        sums[: words - more, more] = start[: words - more] + end[more:]
    first, more = divmod(int(sums.argmax()), lengths)
    if scores.shape[1] > 2 and 2 * scores[:, 2].mean(dtype=np.float64) > sums[first, more]:
        return np.zeros((0, 2), np.int32)
    return np.array([[first, first + more]], np.int32)


def characters(context: str, prediction: Any) -> tuple[int, int]:
    """Return where the text of a prediction `(1, 2)` begins and ends in its context; twice 0 for none."""
    ranges = np.reshape(prediction, (-1, 2)).tolist()
    if not ranges:
        return 0, 0
    (first, last), words = ranges[0], context_words(context)
    return words[first][0], words[last][1]
