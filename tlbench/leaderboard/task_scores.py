"""The entries of one task as scores by strategy and seed, with the runs that failed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tlbench.leaderboard import bootstrap, questions
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.flags import Peers
from tlbench.leaderboard.ranks import difference
from tlbench.results import baselines
from tlbench.results.files import digest
from tlbench.results.row import Row

Scores = Mapping[str, Mapping[int, float]]
"""Strategy -> seed -> score, of one task; minus infinity for a run that failed."""


@dataclass(frozen=True)
class TaskScores:
    """The entries of one model and task in one comparison."""

    title: str
    entries: Mapping[str, Entry]
    """Name of the strategy -> its entry."""
    scale: tuple[float, float] | None
    """Scores of constant and all-labels."""
    failed: Scores
    """Runs that failed."""

    @property
    def scores(self) -> Scores:
        return {
            name: {row.seed: row.score for row in entry.rows if row.score is not None}
            for name, entry in self.entries.items()
        }


def attempt(row: Row, strategy: Row) -> str:
    """Name the runs of one row's strategy on another row's model, whether they failed or not."""
    rules = [strategy.strategy, strategy.access, strategy.selection, baselines.requested_budget(row), row.augmentation]
    return digest([baselines.model(row), rules])


def named_by_options(members: Sequence[Entry]) -> dict[str, Entry]:
    """Return the entries of one task by the names of their strategies, with the options in which those differ."""
    every = [(entry, questions.options(entry.first)) for entry in members]
    named = {}
    for entry, values in every:
        alike = [others for other, others in every if other.first.strategy == entry.first.strategy]
        told = questions.told(values, questions.differing(alike))
        named[f"{entry.first.strategy} ({told})" if told else entry.first.strategy] = entry
    return named


def task_scores(
    named: Mapping[str, Entry],
    strategies: Mapping[str, Entry],
    peers: Sequence[Entry],
    failed: Mapping[str, Sequence[Row]],
) -> TaskScores:
    """Return the scores of one task: the entries of its strategies, and what each strategy of a comparison lost there.

    `peers` are all entries of the same model, and `failed` all rows that failed, by what `attempt` names them.
    """
    first = next(iter(named.values()))
    lost = {}
    for name, entry in strategies.items():
        # Options come from recipes: of a strategy that has no score here, nobody knows those that it would have.
        options = named[name].first.strategy_options if name in named else None
        runs = failed.get(attempt(first.first, entry.first), ())
        lost[name] = {row.seed: -math.inf for row in runs if options in (None, row.strategy_options)}
    return TaskScores(f"{first.first.task} on {first.first.backbone}", named, _scale(first, peers), lost)


def _scale(entry: Entry, peers: Sequence[Entry]) -> tuple[float, float] | None:
    """Return the scores that count as 0 and 1; None unless all-labels is above the constant baseline."""
    of_model = Peers(peers, 0)
    low, high = (of_model.baseline(entry, name) for name in (baselines.CONSTANT, baselines.ALL_LABELS))
    if low is None or high is None:
        return None
    gap, ends = difference(high, low), (low.mean("score"), high.mean("score"))
    if ends[0] is None or ends[1] is None or not gap.mean > 0 or not (gap.decided or gap.seeds == 1):
        return None
    return ends[0], ends[1]


def matrices_of(
    names: Sequence[str], tasks: Sequence[TaskScores], scores: Sequence[Scores]
) -> tuple[list[TaskScores], list[bootstrap.Array]]:
    """Return the tasks in which the strategies have seeds in common, and their scores `(K, S)` with these."""
    import numpy as np

    kept, matrices = [], []
    for task, of_task in zip(tasks, scores, strict=True):
        seeds = sorted(set.intersection(*(set(of_task[name]) for name in names))) if names else []
        if seeds:
            kept.append(task)
            matrices.append(np.array([[of_task[name][seed] for seed in seeds] for name in names]))
    return kept, matrices
