"""Entries -> pictures by task: a panel for each task and backbone, a line for each strategy, baselines below."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from tlbench.leaderboard import wording
from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.style import grid, guide, key, legend, line, point, shade, strokes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Placed = Sequence[tuple[Entry, float]]
"""Entries of one panel, each with its height."""
GAP = ("source-only", "all-labels")
BELOW = 0.32
"""How far below an entry's line its seeds are drawn."""


def scores(entries: Sequence[Entry], left: Sequence[Entry]) -> Figure:
    """Draw the mean score of each entry, its test interval and its seeds, with guides at source-only and all-labels."""
    figure = _by_task(entries, left, _scores)
    keys = [key("mean over seeds"), key("95 % test interval", is_line=True), key("each seed", shape="|")]
    legend(figure, keys)
    return figure


def forgetting(entries: Sequence[Entry]) -> Figure | None:
    """Draw the source score that adaptation lost, with the source head and with a refitted probe."""
    measured = ("forgetting_head", "forgetting_probe")
    shown = [entry for entry in entries if any(entry.mean(name) is not None for name in measured)]
    if not shown:
        return None
    figure = _by_task(shown, [], _forgetting)
    keys = [
        key("source head"),
        key("refitted probe", shape="D", hollow=True),
        key("± sd over seeds", is_line=True),
    ]
    legend(figure, keys)
    return figure


def gap_closed(entries: Sequence[Entry]) -> Figure | None:
    """Draw which part of the gap between source-only and all-labels each strategy closed."""
    shown = [entry for entry in entries if not entry.first.baseline and entry.mean("gap_closed") is not None]
    if not shown:
        return None
    figure = _by_task(shown, [], _gap_closed)
    legend(figure, [key("mean over seeds"), key("each seed", shape="|")])
    return figure


def by_task(entries: Sequence[Entry]) -> dict[tuple[str, str], list[Entry]]:
    """Return the entries of each task and backbone, by name."""
    ordered = sorted(entries, key=_pair)
    return {pair: list(group) for pair, group in itertools.groupby(ordered, _pair)}


def _pair(entry: Entry) -> tuple[str, str]:
    return entry.first.task, entry.first.backbone


def titles(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return a title for each task and backbone: the task, and the backbone if the task has several."""
    pairs = list(pairs)
    tasks = [task for task, _ in pairs]
    return [short(task) if tasks.count(task) == 1 else f"{short(task)}\n{backbone}" for task, backbone in pairs]


def short(task: str) -> str:
    """Return a task's name inside its domain."""
    return task.partition("/")[2] or task


def span(entries: Sequence[Entry]) -> tuple[float, float]:
    """Return the ends of a score axis: strategies, source-only and all-labels, without those far below the others.

    Other baselines may be far off.
    """
    chosen = [entry for entry in entries if not entry.first.baseline or entry.first.strategy in GAP] or entries
    least = near_others([entry.mean("score") or 0.0 for entry in chosen])
    rows = [row for entry in chosen if (entry.mean("score") or 0.0) >= least for row in entry.rows]
    values = [value for row in rows for value in (row.score, row.score_low, row.score_high) if value is not None]
    values = [max(value, least - FAR) for value in values]
    margin = 0.05 * (max(values) - min(values)) or 0.05
    return min(values) - margin, max(values) + margin


FAR = 0.5
"""A gap between scores that presses all above it into a strip, if it is more than these span."""


def near_others(scores: Sequence[float]) -> float:
    """Return the least score that is not far below the others: there is a wide gap in the lower half below it."""
    ordered = sorted(scores)
    lower = ordered[: -(-len(ordered) // 2)]
    gaps = [(above - below, above) for below, above in itertools.pairwise(lower)]
    gap, least = max(gaps, key=lambda one: one[0], default=(0.0, ordered[0]))
    return least if gap > FAR and gap > ordered[-1] - least else ordered[0]


def _by_task(entries: Sequence[Entry], left: Sequence[Entry], draw: Callable[[Axes, Placed], None]) -> Figure:
    names = foremost([*entries, *left])
    chosen, left = ([one for one in some if one.first.baseline or one.strategy in names] for some in (entries, left))
    lines = _lines([*chosen, *left])
    heights = {line: -place for place, line in enumerate(lines)}
    panels_of = by_task([*chosen, *left])
    figure, panels = grid(len(panels_of), 0.6 + 0.19 * len(lines))
    for panel, title, members in zip(panels, titles(panels_of), panels_of.values(), strict=True):
        panel.set_title(title)
        panel.grid(axis="y", visible=False)
        _name_lines(panel, lines)
        places = [(entry, heights[wording.block(entry), entry.strategy]) for entry in members]
        draw(panel, [(entry, height) for entry, height in places if entry.first.status == "ok"])
        for entry, height in places:
            if entry.first.status != "ok":
                _write(panel, 0.02, height, wording.ending(entry))
    if len(chosen) < len(entries):
        figure.suptitle(
            "Strategies with the best mean score of their access in a panel; the tables have all", fontsize=8
        )
    return figure


def foremost(entries: Sequence[Entry]) -> set[str]:
    """Return the names of all strategies; of more than `wording.MOST` those that lead their access in a panel."""
    names = {entry.strategy for entry in entries if not entry.first.baseline}
    if len(names) <= wording.MOST:
        return names
    return {entry.strategy for members in by_task(entries).values() for entry in leaders(members)}


def leaders(members: Sequence[Entry]) -> list[Entry]:
    """Return the entry with the best mean score of each access, without baselines."""
    able = [entry for entry in members if not entry.first.baseline and entry.mean("score") is not None]
    ordered = sorted(able, key=lambda entry: (entry.places, -(entry.mean("score") or 0.0), entry.strategy))
    return [next(group) for _, group in itertools.groupby(ordered, lambda entry: entry.places)]


def _lines(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """Return the lines of a panel from top to bottom, (access, entry); a heading has no entry."""
    ordered = sorted(entries, key=lambda entry: (entry.first.baseline, entry.places, entry.strategy))
    lines = []
    for title, group in itertools.groupby(ordered, wording.block):
        lines += [(title, ""), *((title, name) for name in dict.fromkeys(entry.strategy for entry in group))]
    return lines


def _name_lines(panel: Axes, lines: Sequence[tuple[str, str]]) -> None:
    place = panel.get_subplotspec()
    names = [name or title for title, name in lines] if place and place.is_first_col() else [""] * len(lines)
    panel.set_ylim(-len(lines) + 0.4, 0.6)
    panel.set_yticks([-line for line in range(len(lines))], names)
    for tick, (_, name) in zip(panel.get_yticklabels(), lines, strict=True):
        if not name:
            tick.set(style="italic", fontsize=7.5)


def _write(panel: Axes, x: float, height: float, text: str, align: str = "left") -> None:
    """Write into a line of a panel; `x` goes from 0 to 1."""
    place = panel.get_yaxis_transform()
    panel.text(x, height, text, transform=place, fontsize=7.5, va="center", ha=align)


def _scores(panel: Axes, placed: Placed) -> None:
    """Draw scores on the axis of `span`; a score beyond it is written at its edge."""
    panel.set_xlabel(" or ".join(sorted({entry.first.metric for entry, _ in placed})))
    low, high = span([entry for entry, _ in placed])
    panel.set_xlim(low, high)
    for entry, height in placed:
        colour = shade(entry)
        mean = entry.mean("score") or 0.0
        if not low <= mean <= high:
            text, x, align = (f"‹ {mean:.3f}", 0.02, "left") if mean < low else (f"{mean:.3f} ›", 0.98, "right")
            _write(panel, x, height, text, align)
            continue
        if entry.first.strategy in GAP:
            guide(panel, mean)
        line(panel, (entry.mean("score_low"), entry.mean("score_high")), (height, height), colour)
        strokes(panel, (row.score for row in entry.rows), height - BELOW, colour)
        point(panel, mean, height, colour)


def _forgetting(panel: Axes, placed: Placed) -> None:
    panel.set_xlabel("forgetting: source score lost")
    guide(panel, 0)
    for entry, height in placed:
        colour = shade(entry)
        for field, shape, place in (("forgetting_head", "o", height + 0.16), ("forgetting_probe", "D", height - 0.2)):
            mean, spread = entry.mean(field), entry.spread(field)
            if mean is not None and spread:
                line(panel, (mean - spread, mean + spread), (place, place), colour)
            point(panel, mean, place, colour, shape, hollow=shape == "D")


def _gap_closed(panel: Axes, placed: Placed) -> None:
    panel.set_xlabel("gap closed (0: source-only, 1: all-labels)")
    guide(panel, 0)
    guide(panel, 1)
    for entry, height in placed:
        colour = shade(entry)
        strokes(panel, (row.gap_closed for row in entry.rows), height - BELOW, colour)
        point(panel, entry.mean("gap_closed"), height, colour)
