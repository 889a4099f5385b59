"""Test sets of the metric vectors: plain ones, edges, and what libraries disagree on.

`HAND` has the values that no library gives: conventions of tlbench, and what can be counted with a pencil.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from library_case import Case

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def probabilities(size: int, classes: int, seed: int) -> list[list[float]]:
    """Return rows of hundredths, each with the sum 1, so that some of them tie."""
    drawn = np.random.default_rng(seed).multinomial(100, np.full(classes, 1 / classes), size)
    spread = np.random.default_rng(seed).dirichlet(np.ones(classes), size)
    hundredths = np.floor(spread * 100).astype(int)
    hundredths[:, -1] += 100 - hundredths.sum(1)
    mixed = np.where(np.arange(size)[:, None] % 2, hundredths, drawn)
    return (mixed / 100).tolist()


def labels(size: int, classes: int, seed: int) -> list[int]:
    return np.random.default_rng(seed + 100).integers(classes, size=size).tolist()


def names(classes: int) -> tuple[str, ...]:
    return tuple("abcdef"[:classes])


def scores(values: list[float]) -> list[list[float]]:
    return [[round(1 - value, 2), value] for value in values]


def tagged(*sentences: tuple[str, str], weights: list[int] | None = None) -> Case:
    """Return a case of (targets, predictions), each the initials of tags: `P` for B-PER, `p` for I-PER."""
    names = {"O": "O", "P": "B-PER", "p": "I-PER", "L": "B-LOC", "l": "I-LOC"}
    truth, guess = ([names[letter] for letter in "".join(side)] for side in zip(*sentences, strict=True))
    return Case("token-classification", guess, truth, TAGS, [len(one) for one, _ in sentences], weights)


COUNTS, WEIGHTS = [2, 1, 3, 1, 2, 3], [2, 0, 1, 3, 1, 1]
BINARY = names(2)
CASES: Mapping[str, Case] = {
    "labels": Case("classification", probabilities(12, 3, 1), labels(12, 3, 1), names(3)),
    "labels, several units an example, resampled": Case(
        "classification", probabilities(12, 3, 2), labels(12, 3, 2), names(3), COUNTS, WEIGHTS
    ),
    "a class that is predicted and never there": Case(
        "classification", [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.1, 0.7], [0.6, 0.3, 0.1]], [0, 1, 1, 1], names(3)
    ),
    "a class that is there and never predicted": Case(
        "classification", [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4], [0.6, 0.3, 0.1]], [0, 1, 2, 0], names(3)
    ),
    "a class that does not occur": Case(
        "classification", [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.4, 0.1]], [0, 1, 1], names(3)
    ),
    "one class alone": Case("classification", [[0.7, 0.3], [0.6, 0.4], [0.1, 0.9]], [0, 0, 0], BINARY),
    "the most probable label is a tie": Case("classification", [[0.5, 0.5], [0.5, 0.5], [0.2, 0.8]], [0, 1, 1], BINARY),
    "confidences on the edges of bins": Case(
        "classification", [[0.6, 0.4], [0.6, 0.4], [0.2, 0.8], [0.65, 0.35], [0.0, 1.0]], [0, 1, 1, 0, 1], BINARY
    ),
    "a target of probability 0": Case("classification", [[1.0, 0.0], [0.25, 0.75]], [1, 1], BINARY),
    "anomalies": Case("anomaly", probabilities(12, 2, 3), labels(12, 2, 3), BINARY),
    "anomalies, several units an example, resampled": Case(
        "anomaly", probabilities(12, 2, 4), labels(12, 2, 4), BINARY, COUNTS, WEIGHTS
    ),
    "anomalies, many of the same probability": Case(
        "anomaly", scores([0.9, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1]), [1, 1, 0, 0, 1, 0, 1], BINARY
    ),
    "anomalies, all of the same probability": Case("anomaly", scores([0.5, 0.5, 0.5, 0.5]), [1, 0, 0, 0], BINARY),
    "no anomaly": Case("anomaly", scores([0.9, 0.4, 0.1]), [0, 0, 0], BINARY),
    "anomalies alone": Case("anomaly", scores([0.9, 0.4, 0.1]), [1, 1, 1], BINARY),
    "distances": Case(
        "one-class", [[0.0, 3.5], [0.0, 0.25], [0.0, 12.0], [0.0, 3.5], [0.0, 1.0]], [1, 0, 1, 0, 0], BINARY
    ),
    "entities": tagged(("OPpOL", "OPpOO"), ("LlOP", "LOOP"), ("OOO", "OPO")),
    "entities, resampled": tagged(("OPpOL", "OPpOO"), ("LlOP", "LOOP"), ("OOO", "OPO"), weights=[2, 1, 0]),
    "an inside tag after O begins an entity": tagged(("OPp", "Opp"), ("Ll", "ll")),
    "an inside tag of another type begins an entity": tagged(("Ppl", "Ppl"), ("PpL", "Ppl"), ("Pp", "Pl")),
    "two entities side by side": tagged(("PPp", "Ppp"), ("LL", "LL")),
    "no entity is predicted": tagged(("OPp", "OOO"), ("LOO", "OOO")),
    "no entity is there": tagged(("OOO", "OPO"), ("OO", "OO")),
    "a sentence without words": tagged(("PO", "PO"), ("", ""), ("LO", "OO"), weights=[1, 3, 1]),
    "several labels": Case(
        "multi-label",
        [[0.9, 0.3, 0.6], [0.2, 0.7, 0.4], [0.6, 0.4, 0.1], [0.1, 0.2, 0.8], [0.3, 0.9, 0.7]],
        [[1, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0], [0, 1, 1]],
        names(3),
    ),
    "several labels, resampled": Case(
        "multi-label",
        [[0.9, 0.3, 0.6], [0.2, 0.7, 0.4], [0.6, 0.4, 0.1], [0.1, 0.2, 0.8], [0.3, 0.9, 0.7]],
        [[1, 0, 1], [0, 1, 1], [1, 1, 0], [1, 0, 0], [0, 1, 1]],
        names(3),
        weights=[1, 0, 3, 2, 1],
    ),
    "a label that no example has": Case(
        "multi-label", [[0.9, 0.2], [0.6, 0.1], [0.7, 0.3]], [[1, 0], [1, 0], [0, 0]], BINARY
    ),
    "a probability of a half": Case("multi-label", [[0.5, 0.9], [0.5, 0.2]], [[1, 1], [0, 0]], BINARY),
    "no label at all": Case("multi-label", [[0.9, 0.2], [0.1, 0.3]], [[0, 0], [0, 0]], BINARY),
    "numbers": Case(
        "regression",
        [[1.5, 110.0], [2.0, 95.0], [3.5, 130.0], [4.0, 70.0], [4.5, 101.5]],
        [[1.0, 100.0], [2.5, 90.0], [3.0, 140.0], [4.0, 80.0], [5.5, 99.0]],
        ("angle", "torque"),
    ),
    "numbers, resampled": Case(
        "regression",
        [[1.5, 110.0], [2.0, 95.0], [3.5, 130.0], [4.0, 70.0], [4.5, 101.5]],
        [[1.0, 100.0], [2.5, 90.0], [3.0, 140.0], [4.0, 80.0], [5.5, 99.0]],
        ("angle", "torque"),
        weights=[1, 2, 0, 1, 3],
    ),
    "a number that never varies": Case("regression", [[2.0], [2.5], [1.0]], [[2.0], [2.0], [2.0]], ("angle",)),
    "a number that never varies, predicted exactly": Case(
        "regression", [[2.0, 1.0], [2.0, 3.0], [2.0, 5.0]], [[2.0, 1.0], [2.0, 2.0], [2.0, 6.0]], ("angle", "torque")
    ),
    "worse than the mean": Case("regression", [[3.0], [2.0], [1.0]], [[1.0], [2.0], [3.0]], ("angle",)),
    "label maps": Case(
        "segmentation", [0, 1, 1, 2, 0, 0, 2, 2, 1, 0, 0, 1], [0, 1, 2, 2, 0, 0, 2, 1, 1, 0, 0, 0], names(3), [6, 6]
    ),
    "label maps, resampled": Case(
        "segmentation",
        [0, 1, 1, 2, 0, 0, 2, 2, 1, 0, 0, 1],
        [0, 1, 2, 2, 0, 0, 2, 1, 1, 0, 0, 0],
        names(3),
        [6, 6],
        [1, 3],
    ),
    "label maps without one of the labels": Case("segmentation", [0, 1, 1, 1], [0, 0, 1, 1], names(3), [2, 2]),
    "a label that is found and never there": Case("segmentation", [0, 1, 2, 1], [0, 0, 1, 1], names(3), [2, 2]),
    "background alone": Case("segmentation", [0, 0, 0, 0], [0, 0, 0, 0], names(2), [2, 2]),
    "tokens": Case("language-modelling", [-0.5, -1.25, -2.0, -0.25], [0, 0, 0, 0], BINARY, [3, 1]),
    "tokens, resampled": Case("language-modelling", [-0.5, -1.25, -2.0, -0.25], [0, 0, 0, 0], BINARY, [3, 1], [1, 2]),
}
Hand = Mapping[str, Mapping[str, tuple[float | Fraction, str]]]
HAND: Hand = {
    "confidences on the edges of bins": {
        "ece": (
            Fraction(75, 500),
            "bins (8/15, 9/15]: |1 - 1.2|; (9/15, 10/15]: |1 - 0.65|; (11/15, 12/15]: |1 - 0.8|; 0.75 / 5",
        )
    },
    "a target of probability 0": {
        "nll": (
            (-math.log(1e-12) - math.log(0.75)) / 2,
            "a probability below 1e-12 counts as 1e-12: (27.63 + 0.2877) / 2",
        )
    },
    "no anomaly": {
        "auroc": (0, "0 if a label is absent; such a test set has no score for intervals"),
        "average-precision": (0, "0 if no unit has label 1; such a test set has no score for intervals"),
    },
    "anomalies alone": {
        "auroc": (0, "0 if a label is absent; such a test set has no score for intervals"),
        "average-precision": (0, "0 if a label is absent, for average precision too; no score for intervals"),
    },
    "a label that no example has": {"mean-average-precision": (Fraction(5, 6), "of label a alone: (1 + 2/3) / 2")},
    "no label at all": {"mean-average-precision": (0, "0 if no example has a label; no score for intervals")},
    "a number that never varies, predicted exactly": {
        "r2": (Fraction(6, 14), "a number that never varies counts as 0: (0 + 1 - 2/14) / 2 = 6/14")
    },
    "label maps": {
        "hausdorff-95": (
            Fraction(27, 20),
            "one row an image: 95th percentiles of 0, 0, 1 (0.9) three times and of 0, 0, 1, 3 (2.7): 5.4 / 4",
        )
    },
    "label maps, resampled": {"hausdorff-95": (Fraction(63, 40), "(0.9 + 0.9 + 3 * (2.7 + 0.9)) / (2 + 3 * 2)")},
    "label maps without one of the labels": {
        "hausdorff-95": (math.sqrt(5) / 2, "the diagonal of 1 x 2 pixels, and 0 for the other image")
    },
    "a label that is found and never there": {
        "hausdorff-95": ((2 * math.sqrt(5) + 0.9) / 3, "twice the diagonal of 1 x 2 pixels, and 0, 0, 1")
    },
    "background alone": {
        "dice": (1, "1 if nothing but background is there and nothing else was found"),
        "hausdorff-95": (0, "0 if no image has another label than the background"),
    },
    "tokens": {
        "log-likelihood": (-1.0, "(-0.5 - 1.25 - 2 - 0.25) / 4"),
        "perplexity": (math.e, "exp(1)"),
    },
    "tokens, resampled": {
        "log-likelihood": (-0.85, "(-0.5 - 1.25 - 2 - 2 * 0.25) / 5"),
        "perplexity": (math.exp(0.85), "exp(0.85)"),
    },
}
"""Case -> metric -> value, and how it comes about."""
