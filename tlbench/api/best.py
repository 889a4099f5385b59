"""The best strategy of each contest, with those that are not significantly different."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench.api.tables import as_html, as_text
from tlbench.leaderboard import wording
from tlbench.leaderboard.aggregate import Entry, aggregate
from tlbench.results.row import Row


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best of the strategies that are ranked together: same task, data, access, label budget and selection rule."""

    task: str
    """`domain/name`."""
    access: str
    """The data that the compared strategies were given, joined by `+`."""
    label_budget: str
    """As it was asked for: `50`, `5/class`, `all`."""
    selection: str
    """The rule that selected the models."""
    strategy: str
    """Its name, with options in brackets if the strategy ran with several values of them."""
    backbone: str
    metric: str
    """Name of the score."""
    score: float | None
    """Mean over the seeds."""
    seeds: int
    compared: int
    """How many strategies (with options and backbones) were compared, with this one."""
    ties: tuple[str, ...]
    """Those that are not significantly different from it: with these results none of them is worse."""
    rows: tuple[Row, ...]
    """The record of each seed."""

    @property
    def line(self) -> dict[str, Any]:
        """The cells of a table."""
        names = ("task", "access", "label_budget", "selection", "strategy", "backbone", "metric", "score", "seeds")
        tied = ", ".join(self.ties) or ("nothing compared" if self.compared == 1 else "none")
        cells = {name.replace("_", " "): getattr(self, name) for name in names}
        return {**cells, "not significantly different": tied}


class BestList(tuple[Best, ...]):
    """The best of each contest; its text is a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        return as_text([one.line for one in self])

    def _repr_html_(self) -> str:
        return as_html([one.line for one in self])


def best_of(rows: Sequence[Row], board: Path | None = None) -> BestList:
    """Return the best entry of each contest of rows; baselines are bounds and nobody's choice.

    Differences are paired by test example if the rows are of a `board`, which has their draws.
    """
    entries = [entry for entry in aggregate(rows, board) if not entry.first.baseline]
    contests = itertools.groupby(entries, lambda entry: entry.contest)
    return BestList(_best(list(members)) for _, members in contests)


def _best(members: Sequence[Entry]) -> Best:
    """Return the first of a contest, whose members are sorted by score."""
    several = len({entry.first.backbone for entry in members}) > 1
    first, *others = members
    return Best(
        task=first.first.task,
        access=first.value("access"),
        label_budget=first.first.budget_rule or str(first.first.label_budget or 0),
        selection=first.first.selection,
        strategy=first.strategy,
        backbone=first.first.backbone,
        metric=first.first.metric,
        score=first.mean("score"),
        seeds=len(first.rows),
        compared=len(members),
        ties=tuple(
            f"{entry.strategy} on {entry.first.backbone}" if several else entry.strategy
            for entry in others
            if wording.is_best(entry)
        ),
        rows=first.rows,
    )
