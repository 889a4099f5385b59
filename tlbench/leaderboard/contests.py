"""Which entries are ranked together: those that answer one question under the same conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tlbench.leaderboard import questions, versions
from tlbench.results.files import canonical, digest

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry
    from tlbench.results.row import Row


STRENGTHS = (None, "none", "weak", "strong")
"""What rows say of augmentation, older ones nothing, in the order in which pages list them."""


def contest(entry: Entry) -> tuple[Any, ...]:
    """Return what entries share to be ranked together, in the order in which pages list them.

    Task, its options, files and metric; access, label budget, augmentation and selection rule; options of the model, if
    its backbone ran with several, and the strategy, if it did; version of the code and of the data.
    """
    return (*_asked(entry), entry.first.selection, *_made(entry))


def alternatives(entry: Entry) -> tuple[Any, ...]:
    """Return what entries share that one user may choose among: all of a contest but the selection rule.

    Strategies of the same access and label budget get the same data, whatever they hold out of it to select a model.
    """
    return (*_asked(entry), *_made(entry))


def _asked(entry: Entry) -> tuple[Any, ...]:
    row = entry.first
    return (
        row.domain,
        row.task,
        row.baseline,
        entry.places,
        *entry.budget_place,
        row.budget_rule,
        STRENGTHS.index(row.augmentation),
        canonical(row.task_options),
        row.files,
        row.metric,
    )


def _made(entry: Entry) -> tuple[Any, ...]:
    return entry.variant, entry.tuning, entry.version, versions.version(entry.first), entry.first.test_size or 0


def with_variants(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries with what tells them apart in a contest: options of their model, and those of their strategy.

    Strategies on one model are ranked together. A strategy that ran with several sets of its own options is ranked
    among these alone: the best of several, which test scores would choose, is not ranked with one that had one try.
    """
    names = questions.several_models([entry.first for entry in entries])
    named = [replace(entry, variant=_variant(entry.first, names[questions.encoder(entry.first)])) for entry in entries]
    tries: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for entry in named:
        tries[_tried(entry)].add(digest(entry.first.strategy_options))
    return [replace(entry, tuning=entry.first.strategy if len(tries[_tried(entry)]) > 1 else "") for entry in named]


def _variant(row: Row, names: Sequence[str]) -> str:
    return questions.told(questions.model_options(row), names)


def _tried(entry: Entry) -> tuple[Any, ...]:
    """Return what tries of one strategy share."""
    return (*contest(replace(entry, tuning="")), entry.first.strategy, entry.first.backbone)
