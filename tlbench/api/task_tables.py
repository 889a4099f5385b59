"""Results as they fit a terminal: for each task a heading, four columns, and lines on what failed or was skipped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tlbench.api.wrapping import cells, line_width, wrapped
from tlbench.results.columns import BRIEF, COLUMNS, columns
from tlbench.results.escapes import plain

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry
    from tlbench.results.row import Row

LEAST = 12
"""Cells of the column of strategies, however narrow the terminal is."""
GAP = "  "
Line = Sequence[str]
"""The cells of an entry."""


def task_sections(rows: Sequence[Row]) -> Iterator[tuple[str, list[str]]]:
    """Yield the heading of each task with the lines below it, as wide as the terminal if their words allow it."""
    from tlbench.leaderboard import aggregate

    scored, left = aggregate.aggregate(rows), aggregate.without_score(rows)
    for _, task in sorted({(entry.first.domain, entry.first.task) for entry in [*scored, *left]}):
        good, bad = ([entry for entry in entries if entry.first.task == task] for entries in (scored, left))
        backbones = sorted({entry.first.backbone for entry in [*good, *bad]})
        several = len(backbones) > 1
        title = plain(task if several else f"{task}, {backbones[0]}")
        lines = [*_facts(good), *_table(good, several)] if good else []
        yield title, [*lines, *_failed(bad, several), *_skipped(bad, several)]


def _facts(entries: Sequence[Entry]) -> list[str]:
    from tlbench.leaderboard import wording

    return [*wrapped(wording.task_facts(entries), line_width()), ""]


def _table(entries: Sequence[Entry], several: bool) -> list[str]:
    """Return a table of the entries in groups of the same access; with several backbones each has its own groups."""
    from tlbench.leaderboard import wording

    ordered = sorted(entries, key=lambda entry: _place(entry, several))
    headings, lines = _cells(ordered)
    groups: dict[str, list[Line]] = {}
    for entry, line in zip(ordered, lines, strict=True):
        block = wording.block(entry)
        groups.setdefault(plain(f"{entry.first.backbone}, {block}" if several else block), []).append(line)
    busy = next(column.heading for column in COLUMNS if column.field == "contended")
    marked = any("†" in text for line in lines for text in line)
    return [*_laid_out(headings, groups), *(wrapped(f"† {busy}", line_width()) if marked else [])]


def _place(entry: Entry, several: bool) -> tuple[Any, ...]:
    """Return what lines are sorted by: the score last, whatever rule chose the model; baselines keep their order."""
    row = entry.first
    backbone = row.backbone if several else ""
    if row.baseline:
        return backbone, True
    return (
        backbone,
        False,
        len(entry.places),
        entry.places,
        entry.budget_place,
        row.augmentation or "",
        -(entry.mean("score") or 0),
    )


def _cells(entries: Sequence[Entry]) -> tuple[Line, list[Line]]:
    """Return the headings and the cells of each entry: the score with its interval, and one kind of forgetting."""
    from tlbench.leaderboard import wording

    texts = {column.field: [plain(wording.cell(entry, column)) for entry in entries] for column in columns(BRIEF)}
    titles = {column.field: column.title for column in columns(BRIEF)}
    ends = texts.pop("test_interval")
    width = max(map(len, texts["score"]))
    pairs = zip(texts["score"], ends, strict=True)
    texts["score"] = [f"{score:>{width}}" + (f" ({end})" if end != wording.NONE else "") for score, end in pairs]
    titles["score"] += f" ({titles['test_interval']})"
    measured = set(texts["forgetting_head"]) - {wording.NONE}
    del texts["forgetting_probe" if measured else "forgetting_head"]
    return [titles[field] for field in texts], list(zip(*texts.values(), strict=True))


def _laid_out(headings: Line, groups: dict[str, list[Line]]) -> list[str]:
    """Return the lines of a table: the first column gets what the others leave, the last ones are aligned right."""
    head = list(zip(*map(_two_lines, headings), strict=True))
    every = [*head, *(line for lines in groups.values() for line in lines)]
    widths = [max(cells(line[place]) for line in every) for place in range(len(headings))]
    room = line_width() - sum(widths[1:]) - len(GAP) * (len(widths) - 1)
    widths[0] = max(LEAST, min(widths[0] + len(GAP), room))
    lines = [part for line in head for part in _row(line, widths)] + [GAP.join("-" * width for width in widths)]
    for name, members in groups.items():
        lines += wrapped(name, line_width())
        lines += [part for line in members for part in _row([f"{GAP}{line[0]}", *line[1:]], widths)]
    return lines


def _two_lines(heading: str) -> tuple[str, str]:
    """Return `forgetting (probe)` as `forgetting` and `(probe)`: what is in brackets stands below."""
    name, bracket, rest = heading.partition(" (")
    return (name, f"({rest}") if bracket else ("", name)


def _row(line: Line, widths: Sequence[int]) -> list[str]:
    """Return the lines of an entry: a name that is wider than its column stands above the numbers."""
    first, score, *numbers = line
    above = wrapped(first, line_width(), GAP) if cells(first) > widths[0] else []
    padded = [_left("" if above else first, widths[0]), _left(score, widths[1])]
    padded += [" " * (width - cells(text)) + text for text, width in zip(numbers, widths[2:], strict=True)]
    return [*above, GAP.join(padded).rstrip()]


def _left(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _failed(entries: Sequence[Entry], several: bool) -> list[str]:
    """Return each reason of failed entries once, with what to do about it."""
    from tlbench.leaderboard import wording

    found: dict[tuple[str, str, str], list[str]] = {}
    for entry in (one for one in entries if one.first.status == "failed"):
        key = wording.ending(entry), wording.seeds(entry.rows), wording.on_one_line(entry.first.reason or "")
        found.setdefault(key, []).append(wording.with_backbone(entry, several))
    lines = []
    for (ended, seeds, reason), names in found.items():
        lines += wrapped(f"{ended}: {', '.join(names)}, {seeds}: {reason}", line_width(), GAP)
    return lines


def _skipped(entries: Sequence[Entry], several: bool) -> list[str]:
    from tlbench.leaderboard import wording

    line = wording.skipped(entries, several)
    return wrapped(line, line_width(), GAP) if line else []
