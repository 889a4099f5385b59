"""Scores of written answers: ROUGE by the package rouge-score, and the log-likelihood of the true ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tlbench import Array
from tlbench.learning import Metric, Predictions, Targets, Weighted, from_statistics
from tlbench_generation.postprocess import text_in, texts_of

ROUGE = {"rouge-l": "rougeL", "rouge-1": "rouge1", "rouge-2": "rouge2"}
"""Our names and those of rouge-score."""


def rouge(name: str, labels: Sequence[str]) -> Metric:
    """Return the mean over the examples of ROUGE's F1 (Lin 2004), in [0, 1], against the best of the references.

    Without a stemmer; words are runs of a-z and 0-9 in lower case, as rouge-score has them. A text without words
    scores 0. `labels` are the names of the tokens, needed if there are no references: then the answer's tokens are.
    """

    def metric(predictions: Predictions, targets: Targets) -> Weighted:
        from rouge_score.rouge_scorer import RougeScorer

        scorer = RougeScorer([ROUGE[name]], use_stemmer=False)
        pairs = zip(written(predictions, targets), accepted(targets, labels), strict=True)
        scores = [
            max((scorer.score(one, text)[ROUGE[name]].fmeasure for one in references), default=0.0)
            for text, references in pairs
        ]
        return from_statistics(np.array([[one, 1.0] for one in scores]), lambda sums: float(sums[0] / sums[1]))

    return metric


def exact(labels: Sequence[str]) -> Metric:
    """Return the share of answers that are one of the references, but for case and white space."""

    def metric(predictions: Predictions, targets: Targets) -> Weighted:
        pairs = zip(written(predictions, targets), accepted(targets, labels), strict=True)
        right = [_plain(text) in map(_plain, references) for text, references in pairs]
        return from_statistics(np.array([[one, 1.0] for one in right]), lambda sums: float(sums[0] / sums[1]))

    return metric


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def log_likelihood(predictions: Predictions, targets: Targets) -> Weighted:
    """Mean log-probability of a true token, the end among them, given those before it, in nats."""
    return _of_logs(predictions, targets, lambda mean: mean)


def perplexity(predictions: Predictions, targets: Targets) -> Weighted:
    """exp of the mean negative log-probability of a token (Jelinek et al. 1977)."""
    return _of_logs(predictions, targets, lambda mean: float(np.exp(-mean)))


def _of_logs(predictions: Predictions, targets: Targets, formula: Callable[[float], float]) -> Weighted:
    sums = [part.astype(np.float64).sum() for part in _parts(predictions, targets, text=False)]
    statistics = np.stack([np.array(sums), targets.counts.astype(np.float64)], 1)
    return from_statistics(statistics, lambda total: formula(float(total[0] / total[1])))


def written(predictions: Predictions, targets: Targets) -> list[str]:
    """Return the text that was written for each example."""
    return [text_in(part) for part in _parts(predictions, targets, text=True)]


def accepted(targets: Targets, labels: Sequence[str]) -> list[Sequence[str]]:
    """Return the references of each example: those of the task, else the text of the answer's tokens."""
    if len(targets.references):
        return list(targets.references)
    return [[text] for text in texts_of(targets.split(), labels)]


def _parts(predictions: Predictions, targets: Targets, text: bool) -> list[Array]:
    """Return of each example the characters of the written text, or the logs of the true tokens before them."""
    pairs = zip(predictions.split(), targets.counts.tolist(), strict=True)
    return [part[count:] if text else part[:count] for part, count in pairs]
