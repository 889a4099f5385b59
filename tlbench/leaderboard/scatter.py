"""Entries -> pictures of one number against another, and of latency."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tlbench.leaderboard import wording
from tlbench.leaderboard.aggregate import Entry, served_graphs
from tlbench.leaderboard.plots import by_task, short, span
from tlbench.leaderboard.style import FAINT, INK, PALETTE, grid, key, legend, line, point, strokes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

SHAPES = "osD^vPX*"
LEAST_SECONDS = 0.01
"""What a clock of CPU time resolves: less is drawn there."""


def cost(entries: Sequence[Entry], shades: Mapping[str, str]) -> Figure:
    """Draw each entry's score over the CPU seconds of its adaptation; baselines are hollow, outlying ones left out."""
    names = sorted({entry.first.strategy for entry in entries if entry.first.baseline})
    shapes = dict(zip(names, itertools.cycle(SHAPES[1:]), strict=False))
    tasks = {task: _near(members) for task, members in by_task(entries).items()}
    figure, panels = grid(len(tasks), 2.2)
    for panel, (task, members) in zip(panels, tasks.items(), strict=True):
        panel.set_title(short(task))
        panel.set(xlabel="adaptation, CPU s", ylabel=members[0].first.metric, ylim=span(members))
        log_axis(panel)
        for entry in members:
            _cost_point(panel, entry, shapes.get(entry.first.strategy, "o"), shades[entry.first.strategy])
    drawn = {entry.first.strategy for members in tasks.values() for entry in members}
    baselines = [key(name, shape=shapes[name], hollow=True) for name in names if name in drawn]
    legend(figure, [*strategy_keys(entries, shades), *baselines], columns=4)
    return figure


def _near(entries: Sequence[Entry]) -> list[Entry]:
    low, high = span(entries)
    return [entry for entry in entries if low <= (entry.mean("score") or 0.0) <= high]


def _cost_point(panel: Axes, entry: Entry, shape: str, colour: str) -> None:
    seconds = max(entry.stage_seconds("adapt") or 0.0, LEAST_SECONDS)
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


def strategy_keys(entries: Sequence[Entry], shades: Mapping[str, str]) -> list[Line2D]:
    """Return a legend's keys: each strategy with its access, for a picture puts them side by side."""
    accesses = {entry.first.strategy: wording.block(entry) for entry in entries if not entry.first.baseline}
    return [key(f"{name}, {access}", shades[name]) for name, access in sorted(accesses.items())]


def overview(entries: Sequence[Entry], shades: Mapping[str, str]) -> Figure:
    """Draw target score over forgetting: for each task a fan from its source model to what strategies made of it."""
    groups = _by_scale(entries)
    figure, panels = grid(len(groups), 2.2)
    for place, (panel, (title, tasks)) in enumerate(zip(panels, groups.items(), strict=True)):
        panel.set_title(title)
        panel.set_xlabel("forgetting (source head)" if place + 3 >= len(groups) else "")
        panel.set_ylabel("target score" if place % 3 == 0 else "")
        shapes = dict(zip(tasks, itertools.cycle(SHAPES), strict=False))
        for task, members in tasks.items():
            _fan(panel, members, shapes[task], shades)
        keys = [key(short(task), shape=shape, hollow=True) for task, shape in shapes.items()]
        panel.legend(handles=keys, fontsize=7.5, handletextpad=0.1, borderpad=0.5, labelspacing=0.2)
    beside = [key("source model without adaptation", hollow=True), key("95 % test interval", is_line=True)]
    legend(figure, [*strategy_keys(entries, shades), *beside], columns=3)
    return figure


def _by_scale(entries: Sequence[Entry]) -> dict[str, dict[str, list[Entry]]]:
    """Return the tasks of each panel: those of a domain scored between 0 and 1 share one, others by their metric."""
    groups: dict[str, dict[str, list[Entry]]] = {}
    for task, members in by_task(entries).items():
        first, within = members[0].first, all(0 <= (entry.mean("score") or 0) <= 1 for entry in members)
        groups.setdefault(first.domain if within else f"{first.domain}, {first.metric}", {})[task] = members
    return dict(sorted(groups.items()))


def _fan(panel: Axes, members: Sequence[Entry], shape: str, shades: Mapping[str, str]) -> None:
    unadapted = [entry for entry in members if entry.first.strategy == "source-only"]
    starts = {(entry.first.backbone, entry.version): entry.mean("score") for entry in unadapted}
    for score in starts.values():
        point(panel, 0, score, INK, shape, hollow=True)
    for entry in members:
        lost, score = entry.mean("forgetting_head"), entry.mean("score")
        if not entry.first.baseline and lost is not None:
            line(panel, (0, lost), (starts.get((entry.first.backbone, entry.version)), score), FAINT, width=0.9)
            ends = (entry.mean("score_low"), entry.mean("score_high"))
            line(panel, (lost, lost), ends, shades[entry.first.strategy], width=0.9)
            point(panel, lost, score, shades[entry.first.strategy], shape)


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
