"""How much training a strategy took to the score that training from scratch ends with, from curves of both.

Training that is resolved by snapshots has reached a score at the first of them that has it, so times are upper bounds,
by up to a tenth of the strategy's training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from tlbench.leaderboard import questions
from tlbench.leaderboard.flags import named
from tlbench.results.baselines import SCRATCH
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The curve of a strategy beside the end of that of scratch."""

    score: float
    """What scratch ends with."""
    steps: int | None
    """Training steps until the strategy first had that score; None if it never had."""
    seconds: float | None
    scratch_steps: int
    scratch_seconds: float

    @property
    def share(self) -> float | None:
        """The seconds as a part of those of scratch."""
        return None if self.seconds is None else self.seconds / max(self.scratch_seconds, 1e-9)


def compared(row: Row, scratch: Row | None) -> Compared | None:
    """Return how a row compares with its `scratch`; None if one of them has no curve."""
    if scratch is None or not row.score_curve or not scratch.score_curve:
        return None
    steps, seconds, score = scratch.score_curve[-1]
    first = next((point for point in row.score_curve if point[2] >= score), None)
    return Compared(
        score=score,
        steps=first and first[0],
        seconds=first and first[1],
        scratch_steps=steps,
        scratch_seconds=seconds,
    )


def in_words(row: Row, scratch: Row | None) -> str:
    """Return a sentence on one result; empty if there are no two curves."""
    found = compared(row, scratch)
    if found is None:
        return ""
    took = f"{found.scratch_seconds:.3g} s and {found.scratch_steps} steps"
    if found.share is None:
        return f"It did not reach the score of scratch, {found.score:.3f}, in its training; scratch took {took}."
    which = "its own final score" if row == scratch else "the score of scratch"
    return (
        f"It first had {which}, {found.score:.3f}, after {found.seconds:.3g} s and {found.steps} steps: "
        f"{_percent(found.share)} of the time of scratch, which took {took}.{_lost(row, found)}"
    )


def _lost(row: Row, found: Compared) -> str:
    """Return a sentence if the score was there on the way and is not at the end."""
    end = row.score_curve[-1][2]
    return f" It ends below, with {end:.3f}." if end < found.score else ""


def sentences(entries: Sequence[Entry]) -> list[str]:
    """Return a sentence for each entry whose results all have curves, and so have their `scratch`."""
    rows = [row for entry in entries for row in entry.rows]
    found = {id(row): compared(row, scratch) for row, scratch in zip(rows, questions.scratches(rows), strict=True)}
    several = len({entry.first.backbone for entry in entries}) > 1
    said = []
    for entry in entries:
        seeds = [one for row in entry.rows if (one := found[id(row)]) is not None]
        if len(seeds) == len(entry.rows):
            said.append(f"{named(entry, several)} {_of_seeds(seeds, of_itself=entry.first.strategy == SCRATCH)}")
    return said


def _of_seeds(seeds: Sequence[Compared], *, of_itself: bool) -> str:
    shares = [one.share for one in seeds if one.share is not None]
    if not shares:
        return f"did not reach the score of scratch ({_count(len(seeds))})."
    steps = fmean(one.steps / max(one.scratch_steps, 1) for one in seeds if one.steps is not None)
    reached = _count(len(shares)) if len(shares) == len(seeds) else f"{len(shares)} of {_count(len(seeds))}"
    spread = f"; {_percent(min(shares))} to {_percent(max(shares))}" if len(shares) > 1 else ""
    start = "had its own final score first" if of_itself else "first had the score of scratch"
    return (
        f"{start} after {_percent(fmean(shares))} of the training time of scratch and {_percent(steps)} of its steps "
        f"({reached}{spread})."
    )


def _count(seeds: int) -> str:
    return f"{seeds} seed{'s' * (seeds != 1)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
