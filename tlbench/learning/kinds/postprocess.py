"""Outputs of a model -> predictions, and predictions in words, in numpy alone.

A kind is scored with one of these classes, and an exported model comes with a copy of this file.

`_exp`, `_log` and `_total` round as torch does on a CPU, step by step: softmax and sigmoid have torch's bits, so that
scores can be compared with those that were made when torch computed them. The polynomials are those of SLEEF
(Shibata & Petrogalli 2020, https://sleef.org), with which torch computes 16 numbers at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

LANES = 16
"""Numbers in a vector register, whose sums torch adds up in the end."""
EXP_SERIES = (
    0.000198527617612853646278381,
    0.00139304355252534151077271,
    0.00833336077630519866943359,
    0.0416664853692054748535156,
    0.166666671633720397949219,
    0.5,
)
LOG_SERIES = (0.3027294874, 0.3996108174, 0.6666694880)
LOG_2 = 0.69314718246459960938 - 1.904654323148236017e-09
BLOCK = 2**15
"""Numbers whose exponentials are computed at a time, so that they stay in the processor's cache."""


class Numbers:
    """The outputs themselves, one number for each label."""

    outputs = "One number for each name, in the unit of the task."
    """What the outputs mean, for people who read an export's card or metadata."""
    parts = "texts"
    """What the elements of an example are that is a list of texts."""

    def predict(self, outputs: Any, targets: Any = None) -> Any:
        """Return a prediction for each unit of `Outputs`, `(M, ...)`, or a list with an array for each example.

        `targets` `(M,)` are given for scoring: a class whose predictions are too many to be kept returns those of the
        targets alone.
        """
        return outputs.units

    def decide(self, outputs: Any) -> Any:
        """Return what parity compares exactly: a decision for each unit, or a list with one for each example.

        Numbers are not decided: none.
        """
        return []

    def crop(self, outputs: Any, example: Any, prepared: Sequence[Any]) -> Any:
        """Return the outputs of an example's units, without those of padding."""
        return outputs

    def parse(self, text: str) -> Any:
        """Return the raw example that a text file holds."""
        return text

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return the predictions of one example in words: every label with its number."""
        return "  ".join(f"{name} {value:.4g}" for name, value in zip(labels, np.ravel(prediction), strict=True))

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the targets `(m, ...)` of one example in words."""
        return [f"{name} {value:g}" for name, value in zip(labels, np.ravel(targets), strict=True)]


class Labels(Numbers):
    """A probability for each label, of which one is right."""

    outputs = "One number for each label; their softmax gives the probabilities."

    def predict(self, outputs: Any, targets: Any = None) -> Any:
        """Return probabilities `(M, C)` float32."""
        powers = _exp(_below_largest(outputs.units))
        return powers * (np.float32(1) / _total(powers))

    def decide(self, outputs: Any) -> Any:
        """Return the index of the best label of each unit, `(M,)`."""
        return outputs.units.argmax(-1)

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return the best label with its probability."""
        return "  ".join(f"{labels[row.argmax()]} {row.max():.3f}" for row in np.atleast_2d(prediction))

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the label of each unit."""
        return [labels[target] for target in targets]


class Words(Labels):
    """A probability for each label of each word."""

    outputs = "One number for each label, for each word; their softmax gives the probabilities."
    parts = "words"

    def crop(self, outputs: Any, example: Any, prepared: Sequence[Any]) -> Any:
        """Return `(words, C)`; all rows if the example is prepared arrays, which do not tell how many words it has."""
        return outputs[: len(example)] if isinstance(example[0], str) else outputs

    def parse(self, text: str) -> Any:
        """Return the words of a text."""
        return text.split()

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return each word with its best label and the label's probability."""
        best = [super(Words, self).describe(row, None, labels) for row in prediction]
        words = [f"{word} " for word in example] if isinstance(example[0], str) else [""] * len(best)
        return "  ".join(map(str.__add__, words, best))


class Tokens(Labels):
    """A log-probability for each token of a vocabulary, for each position of a text."""

    outputs = "One number for each token of the vocabulary, for each token; their softmax gives the probabilities."

    def predict(self, outputs: Any, targets: Any = None) -> Any:
        """Return log-probabilities in nats, float32: `(M, C)`, or `(M,)` those of the targets alone."""
        below = _below_largest(outputs.units)
        logs = below - _log(_total(_exp(below)))
        if targets is None:
            return logs
        return np.take_along_axis(logs, np.asarray(targets, np.int64)[..., None], -1)[..., 0]

    def crop(self, outputs: Any, example: Any, prepared: Sequence[Any]) -> Any:
        """Return `(tokens, C)`: the last prepared array holds a token for each prediction."""
        return outputs[: len(prepared[-1])]

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return the best token of each position with its probability."""
        return super().describe(np.exp(prediction), example, labels)


class Pixels(Labels):
    """The best label of each pixel: probabilities of all would be too many to keep."""

    outputs = "One number for each label, for each pixel; the largest says which label it is."

    def predict(self, outputs: Any, targets: Any = None) -> Any:
        """Return indices of labels `(M,)` int16."""
        return np.asarray(outputs.units.argmax(-1), np.int16)

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return the share of the pixels that each label takes."""
        shares = np.bincount(prediction.ravel(), minlength=len(labels)) / prediction.size
        return "pixels: " + "  ".join(f"{name} {share:.1%}" for name, share in zip(labels, shares, strict=True))

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the labels that are in the image."""
        return super().name(np.unique(targets), labels)


class Flags(Numbers):
    """A probability for each label, of which any number are right."""

    outputs = "One number for each label; their logistic function gives the probability of each."

    def predict(self, outputs: Any, targets: Any = None) -> Any:
        """Return probabilities `(M, C)` float32."""
        return np.float32(1) / (np.float32(1) + _exp(-np.asarray(outputs.units, np.float32)))

    def decide(self, outputs: Any) -> Any:
        """Return which labels each unit has, `(M, C)` bool."""
        return outputs.units > 0

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the labels that the example has."""
        return [name for name, has in zip(labels, np.ravel(targets), strict=True) if has]


class Distances(Numbers):
    """How far an example is from what is normal: the second number."""

    outputs = (
        "Two numbers. The larger the second, the less an example is like those that the model learnt from; choose a "
        "threshold for your application."
    )

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the label of each unit."""
        return [labels[target] for target in targets]


def _below_largest(outputs: Any) -> Any:
    outputs = np.asarray(outputs, np.float32)
    return outputs - outputs.max(-1, keepdims=True)


def _float32(*numbers: float) -> list[float]:
    return [float(np.float32(number)) for number in numbers]


def _rounded(numbers: Any) -> Any:
    """Return float64 numbers rounded to float32: of a product and a sum, as a processor rounds them in one step."""
    return numbers.astype(np.float32).astype(np.float64)


def _polynomial(numbers: Any, coefficients: Sequence[float]) -> Any:
    """Return the value of a polynomial, from the coefficient of the highest power down, each step rounded."""
    first, *others = _float32(*coefficients)
    value = np.full_like(numbers, first)
    for coefficient in others:
        value = _rounded(value * numbers + coefficient)
    return value


def _exp(powers: Any) -> Any:
    """Return e to the power of float32 numbers, as SLEEF's `expf_u10` does."""
    made = np.empty_like(powers)
    flat, out = powers.reshape(-1), made.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        out[start : start + BLOCK] = _exp_block(flat[start : start + BLOCK])
    return made


def _exp_block(powers: Any) -> Any:
    powers = np.clip(powers, -150, 150)  # 0 and infinity in float32
    doublings = np.rint(powers * np.float32(1.442695040888963407))
    high, low = _float32(0.693145751953125, 1.428606765330187045e-06)  # together the logarithm of 2
    rest = _rounded(doublings * np.float64(-high) + powers)
    rest = _rounded(doublings * np.float64(-low) + rest)
    square = _rounded(rest * rest)
    series = (_polynomial(rest, EXP_SERIES) * square + rest).astype(np.float32)
    with np.errstate(all="ignore"):  # not a number, and beyond float32: both stay so, as in torch
        return np.ldexp(np.float32(1) + series, doublings.astype(np.int32))


def _log(numbers: Any) -> Any:
    """Return the natural logarithm of positive float32 numbers, as SLEEF's `logf_u10` does."""
    mantissa, exponent = np.frexp(numbers)
    small = mantissa < 0.75  # brings the mantissa from [0.5, 1) to [0.75, 1.5)
    mantissa, exponent = np.where(small, 2 * mantissa, mantissa).astype(np.float64), exponent - small
    above, below = mantissa - 1, mantissa + 1
    ratio = above.astype(np.float32) * (np.float32(1) / below.astype(np.float32))
    square = ratio * ratio
    series = _polynomial(square.astype(np.float64), LOG_SERIES).astype(np.float32)
    return (exponent * LOG_2 + 2 * above / below + square * ratio * series).astype(np.float32)


def _total(numbers: Any) -> Any:
    """Return the sums `(..., 1)` over the last axis, added in torch's order."""
    count = numbers.shape[-1]
    if count < LANES:
        return np.cumsum(numbers, -1)[..., -1:]
    if count % LANES:
        numbers = np.pad(numbers, [(0, 0)] * (numbers.ndim - 1) + [(0, -count % LANES)])
    numbers = numbers.reshape(*numbers.shape[:-1], -1, LANES).sum(-2)
    while numbers.shape[-1] > 1:
        half = numbers.shape[-1] // 2
        numbers = numbers[..., :half] + numbers[..., half:]
    return numbers
