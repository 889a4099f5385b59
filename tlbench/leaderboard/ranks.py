"""Which entries are significantly different: differences paired by seed and test example, and ranks with ties."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tlbench.results.draws import half_width_of_difference

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry
    from tlbench.results.row import Row

STUDENT = (math.inf, 12.71, 4.31, 3.19, 2.78, 2.58, 2.45, 2.37, 2.31, 2.27, 2.23)
"""Two-sided 95 % quantiles of Student's t for 0, 1, 2, ... degrees of freedom, rounded up; the last holds for more."""
MOST_SEEDS = 1000


@dataclass(frozen=True)
class Difference:
    """Score of one entry minus that of another, over the seeds that both have."""

    mean: float
    spread: float
    """Standard deviation of the paired differences over the seeds."""
    test_error: float
    """Half-width of its 95 % interval over test examples, or over whole groups of them."""
    seeds: int
    paired: bool = False
    """Whether that is of both scores on the same resampled test sets. If not, it is an upper bound: the half-widths of
    both test intervals in quadrature, as if the two had other test examples."""

    def error(self, seeds: int | None = None) -> float:
        """Return the half-width of the 95 % interval with this number of seeds (default: those there are)."""
        seeds = self.seeds if seeds is None else seeds
        if seeds < 2:
            return math.inf
        return math.hypot(STUDENT[min(seeds, len(STUDENT)) - 1] * self.spread / math.sqrt(seeds), self.test_error)

    @property
    def decided(self) -> bool:
        return abs(self.mean) > self.error()

    def seeds_to_decide(self) -> int | None:
        """Return how many seeds in all would decide a difference of this size; None if no number would."""
        if self.seeds < 2:
            return None
        more = range(self.seeds + 1, MOST_SEEDS + 1)
        first = bisect.bisect_left(more, True, key=lambda seeds: abs(self.mean) > self.error(seeds))
        return more[first] if first < len(more) else None


def difference(one: Entry, other: Entry) -> Difference:
    """Return the difference of two entries that answer one question of one task.

    It is paired by seed, and by test example if both have their draws on the same test split.
    """
    theirs = {row.seed: row for row in other.rows}
    pairs = [(row, theirs[row.seed]) for row in one.rows if row.seed in theirs]
    gaps = [row.score - with_.score for row, with_ in pairs if row.score is not None and with_.score is not None]
    if len(gaps) < 2:
        return Difference(math.nan if not gaps else gaps[0], math.inf, math.inf, len(gaps))
    mean = math.fsum(gaps) / len(gaps)
    paired = _paired_error(one, other, pairs)
    test_error = math.hypot(_half_width(one), _half_width(other)) if paired is None else paired
    return Difference(mean, deviation(gaps, mean), test_error, len(gaps), paired is not None)


def _paired_error(one: Entry, other: Entry, pairs: Sequence[tuple[Row, Row]]) -> float | None:
    """Return the half-width over test examples, or None if a seed has no draws or the two another test split."""
    drawn = []
    for row, against in pairs:
        if row.test_sha256 is None or row.test_sha256 != against.test_sha256:
            return None
        ours, theirs = one.draws.of(row), other.draws.of(against)
        if ours is None or theirs is None:
            return None
        drawn.append((ours, theirs))
    return half_width_of_difference(drawn)


def deviation(values: Sequence[float], mean: float) -> float:
    """Return the sample standard deviation; `statistics.stdev`, which adds fractions, takes twenty times as long."""
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _half_width(entry: Entry) -> float:
    low, high = entry.mean("score_low"), entry.mean("score_high")
    return math.inf if low is None or high is None else (high - low) / 2


def significantly_better(entry: Entry, others: Iterable[Entry]) -> list[Entry]:
    """Return those of the others that are significantly better than an entry."""
    gaps = [(other, difference(other, entry)) for other in others]
    return [other for other, gap in gaps if gap.mean > 0 and gap.decided]


def with_ranks(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries, sorted by contest and score, with their ranks.

    An entry's rank is one more than the number of entries in its contest that are significantly better. An entry that
    is alone in its contest, and a baseline, have no rank.
    """
    ranked = []
    for _, group in itertools.groupby(entries, lambda entry: entry.contest):
        members = list(group)
        for place, entry in enumerate(members):
            better = len(significantly_better(entry, members[:place]))
            alone = len(members) == 1 or entry.first.baseline
            ranked.append(replace(entry, rank=None if alone else 1 + better))
    return ranked


def undecided(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Entry, Difference]]:
    """Yield neighbours of one contest that are not significantly different."""
    for above, below in itertools.pairwise(entries):
        if above.rank is not None and below.rank is not None and above.contest == below.contest:
            gap = difference(above, below)
            if not gap.decided:
                yield above, below, gap
