"""Entries -> pictures of one number against another, and of latency."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlbench.leaderboard import wording
from tlbench.leaderboard.aggregate import Entry, served_graphs
from tlbench.leaderboard.plots import by_task, span, titles
from tlbench.leaderboard.point_names import SIZE, name_points
from tlbench.leaderboard.style import (
    FAINT,
    INK,
    PALETTE,
    access_keys,
    grid,
    key,
    legend,
    line,
    point,
    shade,
    strokes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHAPES = "osD^vPX*"
LEAST_SECONDS = 0.01
"""What a clock of CPU time resolves: less is drawn there."""


def cost(entries: Sequence[Entry]) -> Figure:
    """Draw each entry's score over the CPU seconds of its adaptation; baselines are hollow, outlying ones left out.

    A strategy is named if none that takes less has a better mean score, and there is a free place.
    """
    names = sorted({entry.first.strategy for entry in entries if entry.first.baseline})
    shapes = dict(zip(names, itertools.cycle(SHAPES[1:]), strict=False))
    every = by_task(entries)
    tasks = {pair: _near(members) for pair, members in every.items()}
    figure, panels = grid(len(tasks), 2.2)
    for panel, title, some, members in zip(panels, titles(tasks), every.values(), tasks.values(), strict=True):
        panel.set_title(title)
        panel.set(xlabel="adaptation, CPU s", ylabel=members[0].first.metric, ylim=span(some))
        log_axis(panel)
        for entry in members:
            _cost_point(panel, entry, shapes.get(entry.first.strategy, "o"))
        _count_below(panel, len(_able(some)) - len(_able(members)))
    drawn = {entry.first.strategy for members in tasks.values() for entry in members}
    baselines = [key(name, shape=shapes[name], hollow=True) for name in names if name in drawn]
    legend(figure, [*access_keys(entries), *baselines], columns=4)
    fronts = map(_front, tasks.values())
    named = ([(_seconds(one), one.mean("score") or 0.0, one.strategy) for one in front] for front in fronts)
    name_points(figure, zip(panels, named, strict=True))
    return figure


def _able(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if not entry.first.baseline]


def _count_below(panel: Axes, count: int) -> None:
    """Write how many strategies lie below a panel."""
    if count:
        panel.text(0.02, 0.02, f"{count} further below", transform=panel.transAxes, fontsize=SIZE)


def _front(members: Sequence[Entry]) -> list[Entry]:
    """Return the strategies that are better than all that take less."""
    front: list[Entry] = []
    for entry in sorted(_able(members), key=lambda entry: (_seconds(entry), -(entry.mean("score") or 0.0))):
        if not front or (entry.mean("score") or 0.0) > (front[-1].mean("score") or 0.0):
            front.append(entry)
    return front


def _seconds(entry: Entry) -> float:
    return max(entry.stage_seconds("adapt") or 0.0, LEAST_SECONDS)


def _near(entries: Sequence[Entry]) -> list[Entry]:
    low, high = span(entries)
    return [entry for entry in entries if low <= (entry.mean("score") or 0.0) <= high]


def _cost_point(panel: Axes, entry: Entry, shape: str) -> None:
    seconds, colour = _seconds(entry), shade(entry)
    if not entry.first.baseline:
        line(panel, (seconds, seconds), (entry.mean("score_low"), entry.mean("score_high")), colour)
    point(panel, seconds, entry.mean("score"), colour, shape, hollow=entry.first.baseline)


def log_axis(panel: Axes) -> None:
    """Put a logarithmic axis below a panel, its numbers written out."""
    from matplotlib.ticker import LogLocator, NullFormatter

    panel.set_xscale("log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    panel.xaxis.set_major_formatter("{x:g}")
    panel.xaxis.set_minor_formatter(NullFormatter())


def latency(entries: Sequence[Entry]) -> Figure | None:
    """Draw p50, p90 and p99 of every graph, a panel for each machine; hollow if the machine was busy."""
    machines: dict[str, list[Entry]] = {}
    for entry, *_ in served_graphs(entries):
        machines.setdefault(wording.machine(entry.first), []).append(entry)
    if not machines:
        return None
    figure, panels = grid(len(machines), 0.5 + 0.2 * max(map(len, machines.values())), columns=1)
    for panel, (machine, graphs) in zip(panels, machines.items(), strict=True):
        panel.set_title(machine)
        panel.set_xlabel("single-stream latency at batch 1, ms")
        log_axis(panel)
        names = [f"{entry.first.backbone} · {wording.shapes(entry.first)}" for entry in graphs]
        panel.set_yticks([-place for place in range(len(graphs))], names)
        for place, entry in enumerate(graphs):
            _latency_line(panel, entry, -place)
    legend(figure, [key("p50", PALETTE[0]), key("p90, p99", shape="|")])
    return figure


def _latency_line(panel: Axes, entry: Entry, height: float) -> None:
    p50, p90, p99 = (entry.mean(name) for name in ("p50_ms", "p90_ms", "p99_ms"))
    line(panel, (p50, p99), (height, height), FAINT)
    strokes(panel, (p90, p99), height, INK, size=6)
    point(panel, p50, height, PALETTE[0], hollow=bool(entry.first.contended))
