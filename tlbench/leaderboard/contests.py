"""Which entries are ranked together: those that answer one question under the same conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tlbench.leaderboard import versions
from tlbench.results.files import canonical, digest

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry


def contest(entry: Entry) -> tuple[Any, ...]:
    """Return what entries share to be ranked together, in the order in which pages list them.

    Task, its options, files and metric; access, label budget and selection rule; the strategy, if it ran with several
    sets of options; version of the code and of the data.
    """
    row = entry.first
    return (
        row.domain,
        row.task,
        row.baseline,
        entry.places,
        *entry.budget_place,
        row.budget_rule,
        canonical(row.task_options),
        row.files,
        row.metric,
        row.selection,
        entry.tuning,
        entry.version,
        versions.version(row),
        row.test_size or 0,
    )


def with_tuning(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries; those of a strategy that ran with several sets of options are known as tuned.

    They are ranked among themselves: the best of several, which test scores would choose, is not held against a
    strategy that had one try.
    """
    tries: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for entry in entries:
        tries[_tuned(entry)].add(_options(entry))
    return [replace(entry, tuning=entry.first.strategy if len(tries[_tuned(entry)]) > 1 else "") for entry in entries]


def _tuned(entry: Entry) -> tuple[Any, ...]:
    """Return what tries of one strategy share; backbones have recipes of their own, which are no tries."""
    return (*contest(replace(entry, tuning="")), entry.first.strategy, entry.first.backbone)


def _options(entry: Entry) -> str:
    row = entry.first
    return digest([row.strategy_options, row.source_options, row.backbone_options])
