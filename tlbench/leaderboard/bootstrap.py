"""Aggregates over tasks, with intervals by a stratified bootstrap over runs (Agarwal et al. 2021, arXiv:2108.13264).

Scores of a task are an array `(K, S)` of K strategies and S seeds; tasks may have different numbers of seeds. In each
draw, the seeds of every task are drawn with replacement, the same ones for all strategies, which share labels and
source model by seed. The draws come from a fixed generator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Array = Any
    """A numpy array; numpy is imported in the functions, for boards are read without it."""

DRAWS = 2000


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval."""

    value: float
    low: float | None = None
    """None if a task has one seed, which says nothing of the spread."""
    high: float | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval is on one side of 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def seed_draws(sizes: Sequence[int]) -> list[Array]:
    """Return for each task the positions of the drawn seeds, `(DRAWS, S)`."""
    import numpy as np

    random = np.random.default_rng(0)
    return [random.integers(size, size=(DRAWS, size)) for size in sizes]


def interquartile_mean(values: Array) -> Array:
    """Return the mean of the middle half of the values `(..., N)`: a quarter of N, rounded down, is cut at each end."""
    import numpy as np

    size = values.shape[-1]
    cut = size // 4
    return np.sort(values, axis=-1)[..., cut : size - cut].mean(-1)


def iqm(tasks: Sequence[Array], draws: Sequence[Array]) -> list[Estimate]:
    """Return the interquartile mean of each strategy over all its runs; scores of tasks must be comparable."""
    import numpy as np

    values = interquartile_mean(np.concatenate(tasks, axis=1))
    drawn = np.concatenate([scores[:, places] for scores, places in zip(tasks, draws, strict=True)], axis=2)
    return _estimates(values, interquartile_mean(drawn), tasks)


def run_ranks(scores: Array) -> Array:
    """Return the rank of each strategy within each seed, `(K, S)`, from 1 for the best; equal scores share the mean.

    A run without a score is minus infinity, and has the last rank.
    """
    better = (scores[None] > scores[:, None]).sum(1)
    equal = (scores[None] == scores[:, None]).sum(1) - 1
    return 1 + better + equal / 2


def mean_ranks(tasks: Sequence[Array], draws: Sequence[Array]) -> tuple[list[Estimate], list[list[Estimate]]]:
    """Return each strategy's mean rank over seeds and tasks, and `[i][j]` the mean rank of i minus that of j."""
    import numpy as np

    ranks = [run_ranks(scores) for scores in tasks]
    values = np.mean([of_task.mean(1) for of_task in ranks], axis=0)
    drawn = np.mean([of_task[:, places].mean(2) for of_task, places in zip(ranks, draws, strict=True)], axis=0)
    gaps = [_estimates(value - values, own - drawn, tasks) for value, own in zip(values, drawn, strict=True)]
    return _estimates(values, drawn, tasks), gaps


def improvement(tasks: Sequence[Array], draws: Sequence[Array]) -> list[list[Estimate]]:
    """Return `[i][j]`: the probability that a run of i scores above a run of j, the mean over the tasks.

    Runs of all seeds are compared with each other; equal scores count one half (the Mann-Whitney statistic).
    """
    import numpy as np

    values, drawn = [], []
    for scores, places in zip(tasks, draws, strict=True):
        # (K, K, S, S): strategy i in seed a against strategy j in seed b.
        gaps = scores[:, None, :, None] - scores[None, :, None, :]
        wins = (gaps > 0) + (gaps == 0) / 2
        size = scores.shape[1]
        counts = (places[:, :, None] == np.arange(size)).sum(1).astype(np.float64)
        values.append(wins.mean((2, 3)))
        drawn.append(np.einsum("da,ijab,db->ijd", counts, wins, counts, optimize=True) / size**2)
    over_tasks, over_draws = np.mean(values, axis=0), np.mean(drawn, axis=0)
    return [_estimates(own, of_draws, tasks) for own, of_draws in zip(over_tasks, over_draws, strict=True)]


def _estimates(values: Array, drawn: Array, tasks: Sequence[Array]) -> list[Estimate]:
    """Return the values `(K,)` with the central 95 % of their draws `(K, DRAWS)`."""
    import numpy as np

    if min(scores.shape[1] for scores in tasks) < 2:
        return [Estimate(float(value)) for value in values]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=-1)
    return [Estimate(*map(float, one)) for one in zip(values, low, high, strict=True)]
