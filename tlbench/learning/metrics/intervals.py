"""The scores of resampled test sets, and the intervals that are made of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.learning.metrics.metric import Vectorised, Weighted, scores_of

DRAWS = 2000
"""Resampled test sets that are scored."""
LEVEL = 0.95
TAILS = np.array([0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
SLACK = 1e-9
"""Width that rounding may give an interval of scores that are all the same."""
MOST_WEIGHTS = 2**22
"""Weights that are held at once: 32 MiB."""


@dataclass(frozen=True)
class Resampled:
    """The units that a test set is drawn of, each as likely as any other: examples, or whole groups of them."""

    place: Array
    """`(N,)` int64: the unit of each example, from 0 on; -1 for an example that is never drawn."""
    size: int
    """Units, as many as are drawn."""

    @classmethod
    def examples(cls, size: int) -> Resampled:
        """Draw examples one by one."""
        return cls(np.arange(size), size)

    @classmethod
    def groups(cls, names: Array) -> Resampled:
        """Draw whole groups, of which the name of each example is given, `(N,)`: those of a speaker are alike."""
        found, place = np.unique(names, return_inverse=True)
        return cls(place, len(found))

    @classmethod
    def members(cls, chosen: Array) -> Resampled:
        """Draw only the chosen examples, `(N,)` bool, one by one."""
        return cls(np.where(chosen, np.cumsum(chosen) - 1, -1), int(chosen.sum()))

    @functools.cached_property
    def single(self) -> bool:
        """Whether each unit is one example."""
        return int((self.place >= 0).sum()) == self.size

    def weights(self, drawn: Array) -> Array:
        """Return example weights `(D, N)` of how often each unit was drawn, `(D, size)`."""
        if np.array_equal(self.place, np.arange(self.size)):
            return drawn
        # Place -1 is the column that is added.
        return np.pad(drawn, ((0, 0), (0, 1)))[:, self.place]

    def draws(self) -> Iterator[Array]:
        """Yield example weights `(d, N)` of `DRAWS` test sets in all.

        They depend on the units alone, so that the scores of two models on one test set are paired draw by draw.
        """
        bits, step = np.random.PCG64(0), self._step
        for start in range(0, DRAWS, step):
            number = min(step, DRAWS - start)
            # Of numpy's random numbers only the raw bits are the same in all versions (NEP 19).
            units = ((bits.random_raw(number * self.size) >> 32) * self.size >> 32).astype(np.int64)
            cells = units.reshape(number, -1) + np.arange(number)[:, None] * self.size
            drawn = np.bincount(cells.ravel(), minlength=number * self.size).reshape(number, -1)
            yield self.weights(drawn.astype(np.float64))

    def without_one(self) -> Iterator[Array]:
        """Yield example weights `(d, N)` of the units without each of them."""
        for start in range(0, self.size, self._step):
            left_out = np.arange(start, min(start + self._step, self.size))
            yield self.weights((left_out[:, None] != np.arange(self.size)).astype(np.float64))

    @property
    def _step(self) -> int:
        return max(1, MOST_WEIGHTS // max(len(self.place), 1))


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a score over test sets; the score is in it."""

    low: float
    high: float
    method: Literal["wilson", "bca", "percentile"]


def score_draws(weighted: Weighted, units: Resampled) -> Array:
    """Return the scores of resampled test sets, `(DRAWS,)` float64; NaN for a draw that has no score."""
    return np.concatenate([scores_of(weighted, weights) for weights in units.draws()])


def score_interval(weighted: Weighted, units: Resampled, score: float, draws: Array) -> Interval:
    """Return the interval of a score, of which these are the draws `(DRAWS,)`.

    Wilson's for a proportion of examples (Wilson 1927). BCa for other scores (Efron 1987), if no more units than draws
    have to be left out for it; percentiles otherwise. Draws that all give the same would make an interval without
    width: then it is Wilson's for as many units, as if the score were a proportion of them. A score that no proportion
    could be has none then.
    """
    if isinstance(weighted, Vectorised) and weighted.holds is not None and units.single:
        return _wilson(score, units.size)
    known = np.sort(draws[np.isfinite(draws)])
    corrected = len(known) > 0 and units.size <= DRAWS
    levels = TAILS
    if corrected:
        jackknife = np.concatenate([scores_of(weighted, weights) for weights in units.without_one()])
        levels = bca_levels(known, score, jackknife[np.isfinite(jackknife)])
    low, high = np.quantile(known, levels).tolist() if len(known) else (score, score)
    if high - low < SLACK and 0 <= score <= 1:
        return _wilson(score, units.size)
    return Interval(min(low, score), max(high, score), "bca" if corrected else "percentile")


def _wilson(score: float, size: int) -> Interval:
    """Return the interval of a share of units that was found to be `score` (Wilson 1927, JASA 22, 209-212)."""
    from scipy.stats import binomtest

    low, high = binomtest(round(score * size), size).proportion_ci(LEVEL, "wilson")
    return Interval(min(low, score), max(high, score), "wilson")


def bca_levels(draws: Array, score: float, jackknife: Array) -> Array:
    """Return the two quantiles of sorted draws `(D,)` that are the bias-corrected and accelerated interval's ends.

    `jackknife` `(U,)` has the scores without one unit each. Efron 1987 (JASA 82, 171-185); the acceleration is that of
    Efron & Tibshirani 1993, section 14.3.
    """
    from scipy.special import ndtr, ndtri

    # Half of the draws that are equal to the score count as below: scores of few examples have few values.
    below = (np.searchsorted(draws, score, "left") + np.searchsorted(draws, score, "right")) / (2 * len(draws))
    bias = ndtri(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws)))
    influence = jackknife.mean() - jackknife if len(jackknife) else np.zeros(1)
    scale = math.sqrt(float((influence**2).sum())) ** 3
    acceleration = float((influence**3).sum()) / (6 * scale) if scale > 0 else 0.0
    shifted = bias + ndtri(TAILS)
    levels: Array = ndtr(bias + shifted / np.maximum(1 - acceleration * shifted, 1e-6))
    return levels
