"""Errors of transcripts, counted by jiwer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tlbench import Array
from tlbench.learning import Metric, PartlyDefined, Predictions, Targets, Weighted, from_statistics
from tlbench_speech.transcripts.best_path import text_of

Count = Callable[[str, str], tuple[int, int]]
"""What is true and what was predicted -> errors, and the units of what is true."""


def word_errors(truth: str, predicted: str) -> tuple[int, int]:
    """Return substitutions, deletions and insertions of words together, and the words that are there."""
    import jiwer

    found = jiwer.process_words(truth, predicted)
    errors = found.substitutions + found.deletions + found.insertions
    return errors, found.hits + found.substitutions + found.deletions


def character_errors(truth: str, predicted: str) -> tuple[int, int]:
    """Return the same of characters, spaces between words among them."""
    import jiwer

    found = jiwer.process_characters(truth, predicted)
    errors = found.substitutions + found.deletions + found.insertions
    return errors, found.hits + found.substitutions + found.deletions


def transcript_metrics(labels: Sequence[str]) -> Mapping[str, Metric]:
    """Return the scores of transcripts in an alphabet, with errors and units summed over the clips.

    `word-accuracy` is 1 - `wer`, so that more is better; it is below 0 if more words are wrong than there are. Without
    a word that is there, the rates are undefined: errors are divided by 1.
    """
    return {
        "word-accuracy": _metric(labels, word_errors, lambda rate: 1 - rate),
        "wer": _metric(labels, word_errors, float),
        "cer": _metric(labels, character_errors, float),
    }


def _metric(labels: Sequence[str], count: Count, of_rate: Callable[[float], float]) -> Metric:
    def metric(predictions: Predictions, targets: Targets) -> Weighted:
        pairs = zip(targets.split(), predictions.split(), strict=True)
        counts = np.array([count(text_of(truth, labels), text_of(guess, labels)) for truth, guess in pairs], float)
        rate = from_statistics(counts, lambda sums: of_rate(float(sums[0] / max(1.0, sums[1]))))
        return PartlyDefined(rate, lambda weights: _units(weights, counts) > 0)

    return metric


def _units(weights: Array, counts: Array) -> float:
    return float(weights @ counts[:, 1])
