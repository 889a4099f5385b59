"""Strategies compared over tasks, among entries that may be ranked together; docs/boards.md has the rules."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tlbench.leaderboard import bootstrap, questions, versions
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.bootstrap import Estimate
from tlbench.leaderboard.ranks import undecided
from tlbench.leaderboard.task_scores import TaskScores, attempt, matrices_of, named_by_options, task_scores
from tlbench.results import baselines
from tlbench.results.row import Row


@dataclass(frozen=True)
class Standing:
    """A strategy that has results for all tasks of a comparison."""

    strategy: str
    """Its name, with what differs if it ran with several sets of options."""
    baseline: bool
    iqm: Estimate | None
    """Interquartile mean of the scores over tasks and seeds, 0 for the constant baseline and 1 for all-labels."""
    mean_rank: Estimate | None
    """Mean over tasks of the rank within each seed; failed runs are left out, with the others of their seed."""
    place: int | None
    """One more than the number of strategies whose mean rank is significantly better."""
    mean_rank_with_failed: Estimate | None
    """The same with failed runs in the last rank."""
    failed_runs: int


@dataclass(frozen=True)
class Comparison:
    """Entries that share access, selection rule, label budget, tuning and versions, over their tasks."""

    access: tuple[str, ...]
    selection: str
    label_budget: str
    """As it was requested; empty for each task's own."""
    tuning: str
    """The strategy whose sets of options are compared; empty if each strategy has one."""
    variant: str
    """Options of the models, their place, or the augmentation, where tasks have results of several; empty otherwise."""
    version: str
    """Commit or release, and data if a task has results of several."""
    tasks: tuple[str, ...]
    """Task and backbone of each result that is compared: each pair counts as a task."""
    runs: int
    """Runs of each strategy: the seeds that all have in common, over all tasks."""
    standings: tuple[Standing, ...]
    """Best mean rank first."""
    improvement: Mapping[str, Mapping[str, Estimate]]
    """`[one][other]`: the probability that a run of one scores above a run of the other, the mean over tasks."""
    left_out: tuple[str, ...]
    """Tasks that are not compared, because too few of the strategies have results there."""
    incomplete: Mapping[str, tuple[str, ...]]
    """Strategies that are not compared -> tasks of the others for which they have no results."""
    unscaled: tuple[str, ...]
    """Tasks that do not count for the interquartile mean: all-labels is not above the constant baseline."""


def compare(entries: Sequence[Entry], rows: Iterable[Row]) -> list[Comparison]:
    """Return the comparisons over two tasks or more; `rows` are all of the board, also those that failed."""
    models: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        models[questions.model(entry.first)].append(entry)
    failed: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.status == "failed":
            failed[attempt(row, row)].append(row)
    variants = _variants(entries)
    groups: dict[tuple[Any, ...], dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for model, members in models.items():
        for entry in members:
            variant = ", ".join(filter(None, (variants[model], _augmentation(entry, members))))
            key = (*_group(entry, members), variant)
            groups[key][model].append(entry)
    return [_comparison(groups[key], models, failed, key[-1]) for key in sorted(groups) if len(groups[key]) > 1]


def _group(entry: Entry, members: Sequence[Entry]) -> tuple[Any, ...]:
    """Return what entries share to be compared over tasks: all of a contest that is not of the task itself."""
    row = entry.first
    access = (len(entry.places), entry.places)
    return (*access, row.selection, _budget(entry, members), entry.tuning, entry.version, versions.version(row))


def _variants(entries: Sequence[Entry]) -> dict[str, str]:
    """Return for each model what tells it from others of its task and backbone, which are no further tasks."""
    places: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
    for entry in entries:
        row = entry.first
        places[row.task, row.backbone][questions.model(row)] = questions.place(row)
    return {
        model: questions.told(place, questions.differing(list(alike.values())))
        for alike in places.values()
        for model, place in alike.items()
    }


def _budget(entry: Entry, members: Sequence[Entry]) -> str:
    """Return the label budget of an entry; empty if it is the number of labels that its task has everywhere."""
    if "target-labels" not in entry.first.access:
        return ""
    budgets = {baselines.requested_budget(one.first) for one in members if "target-labels" in one.first.access}
    return baselines.requested_budget(entry.first) if len(budgets) > 1 else entry.first.budget_rule


def _augmentation(entry: Entry, members: Sequence[Entry]) -> str:
    """Return the augmentation of an entry; empty if it is the one that its task has everywhere."""
    several = len({one.first.augmentation for one in members}) > 1
    return f"augmentation={entry.first.augmentation}" if several else ""


def _comparison(
    members: Mapping[str, Sequence[Entry]],
    models: Mapping[str, Sequence[Entry]],
    failed: Mapping[str, Sequence[Row]],
    variant: str,
) -> Comparison:
    named = {model: named_by_options(entries) for model, entries in members.items()}
    strategies = {name: entry for entries in named.values() for name, entry in entries.items()}
    every = sorted(
        (task_scores(named[model], strategies, models[model], failed) for model in members), key=lambda task: task.title
    )
    tasks = _most_results(every)
    absent = {name: tuple(task.title for task in tasks if name not in task.entries) for name in strategies}
    complete = [name for name in sorted(strategies) if not absent[name]]
    compared, matrices = matrices_of(complete, tasks, [task.scores for task in tasks])
    first = next(iter(strategies.values()))
    standings = _standings(strategies, complete, compared, matrices, tasks)
    return Comparison(
        access=first.access,
        selection=first.first.selection,
        label_budget=_budget(first, models[questions.model(first.first)]),
        tuning=first.tuning,
        variant=variant,
        version=", ".join(filter(None, (versions.code(first.first), first.version))),
        tasks=tuple(task.title for task in compared),
        runs=sum(scores.shape[1] for scores in matrices),
        standings=standings,
        improvement=_improvement(complete, matrices),
        left_out=tuple(task.title for task in every if task not in tasks),
        incomplete={name: titles for name, titles in sorted(absent.items()) if titles},
        unscaled=tuple(task.title for task in compared if task.scale is None),
    )


def _most_results(tasks: Sequence[TaskScores]) -> list[TaskScores]:
    """Return the tasks to compare: two or more that give many results, which are tasks times strategies.

    A strategy counts that was tried on each of them, so that more tasks may leave fewer strategies. Tasks are tried
    together in the order in which they share strategies with one of them, each task being that one in turn: all sets
    of tasks would be too many. Of equal numbers of results the one with more tasks is taken.
    """
    tried = {task.title: {*task.entries, *(name for name, runs in task.failed.items() if runs)} for task in tasks}
    orders = [sorted(tasks, key=lambda task: -len(tried[task.title] & tried[first.title])) for first in tasks]

    def results(some: Sequence[TaskScores]) -> tuple[int, int]:
        return len(some) * len(set.intersection(*(tried[task.title] for task in some))), len(some)

    chosen = max((order[:count] for order in orders for count in range(2, len(tasks) + 1)), key=results)
    return [task for task in tasks if task in chosen]


def _standings(
    strategies: Mapping[str, Entry],
    complete: Sequence[str],
    tasks: Sequence[TaskScores],
    matrices: Sequence[bootstrap.Array],
    every: Sequence[TaskScores],
) -> tuple[Standing, ...]:
    """Return the standing of each strategy that has scores or failed runs for every task."""
    means = _iqm(complete, tasks, matrices)
    ranks, places = _ranks(complete, matrices)
    attempted = [name for name in strategies if all(name in task.entries or task.failed[name] for task in every)]
    both = [{name: {**task.failed[name], **task.scores.get(name, {})} for name in strategies} for task in every]
    with_failed, _ = _ranks(attempted, matrices_of(attempted, every, both)[1])
    standings = [
        Standing(
            strategy=name,
            baseline=strategies[name].first.baseline,
            iqm=means.get(name),
            mean_rank=ranks.get(name),
            place=places.get(name),
            mean_rank_with_failed=with_failed.get(name),
            failed_runs=sum(len(task.failed[name]) for task in every),
        )
        for name in sorted(attempted)
    ]
    return tuple(sorted(standings, key=lambda one: (one.mean_rank or one.mean_rank_with_failed or LAST).value))


LAST = Estimate(math.inf)


def _iqm(
    names: Sequence[str], tasks: Sequence[TaskScores], matrices: Sequence[bootstrap.Array]
) -> Mapping[str, Estimate]:
    scaled = [
        (scores - task.scale[0]) / (task.scale[1] - task.scale[0])
        for task, scores in zip(tasks, matrices, strict=True)
        if task.scale is not None
    ]
    if not scaled:
        return {}
    draws = bootstrap.seed_draws([scores.shape[1] for scores in scaled])
    return dict(zip(names, bootstrap.iqm(scaled, draws), strict=True))


def _ranks(
    names: Sequence[str], matrices: Sequence[bootstrap.Array]
) -> tuple[Mapping[str, Estimate], Mapping[str, int]]:
    """Return the mean rank and the place of each strategy; nothing for one alone."""
    if len(names) < 2 or not matrices:
        return {}, {}
    draws = bootstrap.seed_draws([scores.shape[1] for scores in matrices])
    ranks, gaps = bootstrap.mean_ranks(matrices, draws)
    better = [sum(gap.value > 0 and gap.excludes_zero for gap in own) for own in gaps]
    return dict(zip(names, ranks, strict=True)), {name: 1 + count for name, count in zip(names, better, strict=True)}


def _improvement(names: Sequence[str], matrices: Sequence[bootstrap.Array]) -> Mapping[str, Mapping[str, Estimate]]:
    if len(names) < 2 or not matrices:
        return {}
    draws = bootstrap.seed_draws([scores.shape[1] for scores in matrices])
    table = bootstrap.improvement(matrices, draws)
    return {
        one: {other: estimate for other, estimate in zip(names, line, strict=True) if other != one}
        for one, line in zip(names, table, strict=True)
    }


def neighbours(entries: Sequence[Entry]) -> tuple[int, int]:
    """Return how many neighbours of one ranking are not significantly different, and how many neighbours there are."""
    pairs = sum(
        above.rank is not None and below.rank is not None and above.contest == below.contest
        for above, below in itertools.pairwise(entries)
    )
    return sum(1 for _ in undecided(entries)), pairs
