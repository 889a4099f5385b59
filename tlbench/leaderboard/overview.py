"""Entries of all domains -> one picture: what adaptation gains on each task, and what it costs in forgetting."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlbench.leaderboard.aggregate import Entry
from tlbench.leaderboard.plots import by_task, leaders, titles
from tlbench.leaderboard.questions import pretrained
from tlbench.leaderboard.style import access_keys, guide, key, legend, line, point, shade, side_by_side
from tlbench.results.baselines import SOURCE_ONLY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

APART = 0.22
"""How far the points of one line lie apart, in lines."""


def overview(entries: Sequence[Entry]) -> Figure:
    """Draw the best strategy of each access, a line for each task and backbone: target score, and forgetting."""
    lines = _lines(entries)
    figure, (scores, lost) = side_by_side(0.8 + 0.21 * len(lines), widths=(2, 1))
    scores.set(xlabel="target score", xlim=(-0.03, 1.03))
    lost.set(xlabel="forgetting (source head)")
    guide(lost, 0)
    for panel in (scores, lost):
        panel.set_ylim(-len(lines) + 0.3, 0.7)
        panel.grid(axis="y", visible=False)
    scores.set_yticks([-place for place in range(len(lines))], [name for name, _ in lines])
    for tick, (_, members) in zip(scores.get_yticklabels(), lines, strict=True):
        if not members:
            tick.set(weight="bold")
    lost.set_yticks([])
    for place, (_, members) in enumerate(lines):
        _score_line(scores, members, -place)
        _lost_line(lost, members, -place)
    shown = [entry for _, members in lines for entry in members]
    keys = [*access_keys(shown), key("source model without adaptation", hollow=True)]
    legend(figure, [*keys, key("95 % test interval, ± sd of forgetting", is_line=True)], columns=3)
    return figure


def _lines(entries: Sequence[Entry]) -> list[tuple[str, list[Entry]]]:
    """Return a heading for each domain, then its tasks: name, source-only and the best strategy of each access.

    In a domain, encoders with weights from a file come before those that began with random weights.
    """
    lines: list[tuple[str, list[Entry]]] = []
    pairs = by_task(entries)
    named = zip(titles(pairs), pairs.values(), strict=True)
    ordered = sorted(
        named, key=lambda pair: (pair[1][0].first.domain, not any(pretrained(one.first) for one in pair[1]), pair[0])
    )
    for domain, group in itertools.groupby(ordered, lambda pair: pair[1][0].first.domain):
        lines.append((domain, []))
        for title, members in group:
            unadapted = [entry for entry in members if entry.first.strategy == SOURCE_ONLY]
            lines.append((title.replace("\n", ", "), [*unadapted, *leaders(members)]))
    return lines


def _score_line(panel: Axes, members: Sequence[Entry], height: float) -> None:
    if members and not all(0 <= (entry.mean("score") or 0.0) <= 1 for entry in members):
        numbers = ", ".join(f"{entry.strategy} {entry.mean('score'):.2f}" for entry in members)
        panel.text(0, height, f"{members[0].first.metric}: {numbers}", fontsize=7, va="center")
        return
    for entry, place in _spread_out(members, height):
        unadapted = entry.first.strategy == SOURCE_ONLY
        if not unadapted:
            line(panel, (entry.mean("score_low"), entry.mean("score_high")), (place, place), shade(entry), width=1.2)
        point(panel, entry.mean("score"), place, shade(entry), hollow=unadapted, size=4.5)


def _lost_line(panel: Axes, members: Sequence[Entry], height: float) -> None:
    for entry, place in _spread_out(members, height):
        mean, spread = entry.mean("forgetting_head"), entry.spread("forgetting_head")
        if entry.first.baseline or mean is None:
            continue
        if spread:
            line(panel, (mean - spread, mean + spread), (place, place), shade(entry), width=1.2)
        point(panel, mean, place, shade(entry), size=4.5)


def _spread_out(members: Sequence[Entry], height: float) -> list[tuple[Entry, float]]:
    """Return entries with their heights; the source model lies on the line itself, strategies around it."""
    able = [entry for entry in members if not entry.first.baseline]
    middle = (len(able) - 1) / 2
    places = [(entry, height - APART * (at - middle)) for at, entry in enumerate(able)]
    return [*((entry, height) for entry in members if entry.first.baseline), *places]
