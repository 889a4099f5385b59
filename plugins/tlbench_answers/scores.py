"""The scores of SQuAD (Rajpurkar et al. 2016 and 2018): exact match and F1 of the words of an answer."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from tlbench import Array
from tlbench.learning import Predictions, Targets, Weighted, from_statistics, proportion
from tlbench_answers.spans import characters

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = frozenset(string.punctuation)


def normalised(answer: str) -> str:
    """Return an answer in small letters, without punctuation (of ASCII), English articles and double spaces."""
    kept = "".join(sign for sign in answer.lower() if sign not in PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", kept).split())


def same(answer: str, reference: str) -> float:
    """Return 1 if two normalised answers are equal, else 0."""
    return float(normalised(answer) == normalised(reference))


def overlap(answer: str, reference: str) -> float:
    """Return the F1 of the words of two normalised answers; if one has no words, 1 if the other has none either."""
    found, wanted = normalised(answer).split(), normalised(reference).split()
    if not found or not wanted:
        return float(found == wanted)
    common = sum((Counter(found) & Counter(wanted)).values())
    return 2 * common / (len(found) + len(wanted))


def best(compare: Callable[[str, str], float], answer: str, references: Sequence[str]) -> float:
    """Return how good an answer is by the reference that suits it best; without references, none is right."""
    return max(compare(answer, reference) for reference in references or [""])


def token_f1(predictions: Predictions, targets: Targets) -> Weighted:
    """Return the mean over the questions of the F1 of words."""
    scores = _scores(overlap, predictions, targets)
    return from_statistics(np.stack([scores, np.ones_like(scores)], 1), lambda sums: sums[0] / sums[1])


def exact_match(predictions: Predictions, targets: Targets) -> Weighted:
    """Return the share of the questions whose answer equals a reference."""
    return proportion(_scores(same, predictions, targets) > 0)


def _scores(compare: Callable[[str, str], float], predictions: Predictions, targets: Targets) -> Array:
    answers = answer_texts(predictions, targets)
    known = [reference["answers"] for reference in targets.references]
    return np.array([best(compare, *pair) for pair in zip(answers, known, strict=True)])


def answer_texts(predictions: Predictions, targets: Targets) -> list[str]:
    """Return the text of each prediction, cut out of the context that its reference holds; empty for no answer."""
    pairs = zip(predictions.split(), targets.references, strict=True)
    places = [(known["context"], *characters(known["context"], made)) for made, known in pairs]
    return [context[start:end] for context, start, end in places]
