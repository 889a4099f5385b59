"""Entries of several label budgets -> a picture of scores over labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlbench.leaderboard.aggregate import Entry, sweeps
from tlbench.leaderboard.plots import GAP, titles
from tlbench.leaderboard.point_names import Named, name_points
from tlbench.leaderboard.style import INK, access_keys, band, grid, key, legend, level, shade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


SCRATCH = "scratch"
"""The one baseline that more labels improve."""


def labels(entries: Sequence[Entry]) -> Figure | None:
    """Draw each strategy's score over its label budget, with its test interval; source-only and all-labels are level.

    None if no strategy ran with several budgets.
    """
    shown = [entry for entry in entries if not entry.first.baseline or entry.first.strategy == SCRATCH]
    swept = [entry for group in sweeps(shown) for entry in group]
    if not swept:
        return None
    baselines = [entry for entry in entries if entry.first.strategy in GAP]
    pairs = sorted({(entry.first.task, entry.first.backbone) for entry in swept})
    figure, panels = grid(len(pairs), 2.4)
    for panel, title, (task, backbone) in zip(panels, titles(pairs), pairs, strict=True):
        panel.set_title(title)
        _panel(panel, _of(swept, task, backbone), _of(baselines, task, backbone))
    ends = ([_end(group) for group in sweeps(_of(swept, *pair))] for pair in pairs)
    keys = [*access_keys(swept), key(SCRATCH, INK, "s", hollow=True)]
    legend(figure, [*keys, key("shaded: 95 % test interval", is_line=True)], columns=4)
    name_points(figure, zip(panels, ends, strict=True))
    return figure


def _end(group: Sequence[Entry]) -> Named:
    """Return the right end of a curve, with the name of its strategy."""
    last = group[-1]
    return last.mean("label_budget") or 0.0, last.mean("score") or 0.0, last.first.strategy


def _of(entries: Sequence[Entry], task: str, backbone: str) -> list[Entry]:
    return [entry for entry in entries if (entry.first.task, entry.first.backbone) == (task, backbone)]


def _panel(panel: Axes, members: Sequence[Entry], baselines: Sequence[Entry]) -> None:
    row = members[0].first
    panel.set(xscale="log", xlabel=f"label budget, target {row.budget_unit}", ylabel=row.metric)
    for entry in baselines:
        level(panel, entry.mean("score") or 0.0, entry.first.strategy)
    ticks: set[float] = set()
    for group in sweeps(members):
        budgets = [entry.mean("label_budget") or 0.0 for entry in group]
        _curve(panel, group, budgets, shade(group[0]))
        ticks.update(budgets)
    panel.set_xticks(sorted(ticks), [f"{tick:g}" for tick in sorted(ticks)])
    panel.set_xticks([], minor=True)


def _curve(panel: Axes, group: Sequence[Entry], budgets: Sequence[float], colour: str) -> None:
    baseline = group[0].first.baseline
    band(panel, budgets, [(entry.mean("score_low"), entry.mean("score_high")) for entry in group], colour)
    panel.plot(
        budgets,
        [entry.mean("score") or 0.0 for entry in group],
        "s:" if baseline else "o-",
        color=colour,
        markersize=5.5,
        markerfacecolor="none" if baseline else colour,
        linewidth=1.4,
    )
