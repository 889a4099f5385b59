"""Rows -> everything that the page knows, as JSON values."""

from __future__ import annotations

import itertools
import shlex
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench.leaderboard import questions, to_scratch, versions, wording
from tlbench.leaderboard.aggregate import Entry, aggregate, order, sweeps, without_score
from tlbench.leaderboard.site import stored
from tlbench.leaderboard.site.choices import case_records
from tlbench.leaderboard.site.columnar import FINE, Texts, columns
from tlbench.leaderboard.site.compared import comparison_records
from tlbench.leaderboard.site.descriptions import Card, Descriptions
from tlbench.leaderboard.site.entries import entry_records
from tlbench.leaderboard.site.runs import facts, run_ids
from tlbench.results import training
from tlbench.results.columns import COLUMNS
from tlbench.results.row import Row

MANY = 1000
"""Results from which on the page has errors by class and training for one seed of an entry."""


def site_data(
    rows: Sequence[Row],
    board: Path | None,
    about: Descriptions,
    title: str,
    *,
    start: Row | None = None,
    whole: bool = False,
) -> dict[str, Any]:
    """Return the content of the page.

    Args:
        rows: All results that it shows.
        board: The folder of results: it has draws, predictions and single latencies. None: the page has none of them.
        about: What specs say of themselves.
        title: The heading of the page.
        start: The result at whose page a reader begins; None: the page begins with the choice of a strategy.
        whole: Whether pictures of analyses are part of it, for a page of a few results.
    """
    entries, left = aggregate(rows, board), without_score(rows)
    everything, texts = sorted([*entries, *left], key=order), Texts()
    ordered = [row for entry in everything for row in entry.rows]
    ids = run_ids(ordered)
    data: dict[str, Any] = {
        "title": texts.number(title),
        "start": "" if start is None else ids[_place(ordered, start)],
        "entries": columns(entry_records(everything, about.tasks), texts, FINE),
        "flags": [[texts.numbers(flag) for flag in entry.flags] for entry in everything],
        "marks": [[texts.numbers(mark) for mark in entry.marks] for entry in everything],
        "facts": facts(everything, texts, whole),
        "runs": _runs(everything, ids, texts),
        "tasks": _tasks(entries, about.tasks, texts),
        "strategies": _cards(about.strategies, {row.strategy for row in rows}, texts),
        "backbones": _cards(about.backbones, {row.backbone for row in rows}, texts),
        "analyses_cards": _cards(about.analyses, _analyses_of(rows), texts),
        "cases": case_records(everything, texts),
        "compared": comparison_records(everything, texts),
        "sweeps": _sweeps(everything),
        "legend": [[column.title, column.legend] for column in COLUMNS if column.legend],
        **_beside(everything, ordered, board, about, texts, whole),
    }
    return {**data, "texts": texts.all()}


def _place(ordered: Sequence[Row], row: Row) -> int:
    """Return the place of a row among those of the page, which may have other gains."""
    return next(place for place, other in enumerate(ordered) if other.file_name == row.file_name)


def _runs(entries: Sequence[Entry], ids: Sequence[str], texts: Texts) -> dict[str, Any]:
    numbered = [(number, row) for number, entry in enumerate(entries) for row in entry.rows]
    records = [{"entry": number, "seed": row.seed} for number, row in numbered]
    # No two runs share a name: numbers of texts would only be longer.
    return {**columns(records, texts), "id": list(ids)}


def _tasks(entries: Sequence[Entry], cards: Mapping[str, Card], texts: Texts) -> list[list[Any]]:
    """Return for each task: its name, its card or None, and sentences on its numbers and on what is not decided."""
    found = []
    for task, group in itertools.groupby(sorted(entries, key=lambda entry: entry.first.task), _task):
        members = list(group)
        said = [*versions.sentences(members), *to_scratch.sentences(members)]
        card = _card(cards[task], texts) if task in cards else None
        lists = ([wording.task_facts(members), *said], wording.ties(members))
        found.append([texts.number(task), card, *map(texts.numbers, lists)])
    return found


def _task(entry: Entry) -> str:
    return entry.first.task


def _cards(cards: Mapping[str, Card], names: set[str], texts: Texts) -> list[list[Any]]:
    return [[texts.number(name), _card(cards[name], texts)] for name in sorted(names & cards.keys())]


def _card(card: Card, texts: Texts) -> list[Any]:
    told = [texts.numbers(fact) for fact in card.facts.items() if fact[1]]
    return [texts.number(card.title), texts.number(card.summary), told]


def _analyses_of(rows: Sequence[Row]) -> set[str]:
    return {label.partition(" (")[0] for row in rows for label in row.analyses}


def _sweeps(entries: Sequence[Entry]) -> list[list[int]]:
    """Return the numbers of the entries that differ in their label budget alone, each group from few to many labels."""
    numbers = {id(entry): number for number, entry in enumerate(entries)}
    return [[numbers[id(entry)] for entry in group] for group in sweeps(entries)]


def _beside(
    entries: Sequence[Entry],
    rows: Sequence[Row],
    board: Path | None,
    about: Descriptions,
    texts: Texts,
    whole: bool,
) -> dict[str, Any]:
    """Return what the pages of runs have beside fields: each list names runs by their numbers."""
    detailed = _detailed(entries)
    scratches = questions.scratches(rows)
    said = [
        [one for one in (*training.in_words(row), to_scratch.in_words(row, scratch)) if one]
        for row, scratch in zip(rows, scratches, strict=True)
    ]
    confusions = ((number, stored.confusion(rows[number], board, texts)) for number in detailed)
    analysed = ((number, stored.analyses(row, board, texts, whole)) for number, row in enumerate(rows))
    return {
        # The command is that of the first seed; the page puts other seeds in its place.
        "repeat": [] if about.repeat is None else [texts.number(_repeat(entry, about.repeat)) for entry in entries],
        "sentences": [[number, [texts.pattern(one) for one in own]] for number, own in enumerate(said) if own],
        "training": [one for one in stored.training(rows) if one[0] in detailed],
        "confusions": [[number, one] for number, one in confusions if one],
        "analyses": [[number, own] for number, own in analysed if own],
        "latencies": _latencies(rows, board),
        "folder": None if board is None else texts.number(shlex.quote(str(board))),
        "files": [] if board is None else [texts.number(_files(entry)) for entry in entries],
    }


def _detailed(entries: Sequence[Entry]) -> Sequence[int]:
    """Return the numbers of the runs with errors by class and training: of many, the median score of each entry."""
    total = sum(len(entry.rows) for entry in entries)
    if total <= MANY:
        return range(total)
    found, start = [], 0
    for entry in entries:
        places = sorted(range(len(entry.rows)), key=lambda place: entry.rows[place].score or 0.0)
        found.append(start + places[(len(places) - 1) // 2])
        start += len(places)
    return found


def _repeat(entry: Entry, command: Callable[[Row], str]) -> str:
    """Return the command that runs the first seed of an entry again; empty if it would be skipped again."""
    return "" if entry.first.status == "skipped" else command(entry.first)


def _files(entry: Entry) -> str:
    """Return how the file names of an entry begin, up to the seed; empty if they differ in more or have no score."""
    if entry.first.status != "ok":
        return ""
    found = set()
    for row in entry.rows:
        start, _, seed = row.file_name.rpartition("--")[0].rpartition("--")
        found.add(f"{start}--s" if seed == f"s{row.seed}" else "")
    return found.pop() if len(found) == 1 else ""


def _latencies(rows: Sequence[Row], board: Path | None) -> list[list[Any]]:
    """Return each histogram of latencies once, with the runs that share it."""
    shared: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if row.latency is not None:
            shared[row.latency].append(number)
    found = ([stored.latencies(rows[numbers[0]], board), numbers] for numbers in shared.values())
    return [one for one in found if one[0]]
