"""Comparisons over tasks -> the section of README.md and `over-tasks.json`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence

from tabulate import tabulate

from tlbench.leaderboard import wording
from tlbench.leaderboard.bootstrap import Estimate
from tlbench.leaderboard.markdown import safe
from tlbench.leaderboard.over_tasks import Comparison, Standing
from tlbench.results.baselines import ALL_LABELS
from tlbench.results.escapes import plain_json

SHOWN = 5
"""Tasks that a sentence names."""
MEANING = """\
IQM: interquartile mean of the scores over tasks and seeds, where 0 is the constant baseline and 1 all-labels. Mean
rank: over tasks, of the rank within each seed; failed runs are left out, and in the next column they have the last
rank. Place: one more than the number of strategies whose mean rank is significantly better. Above the next: the
probability that a run scores above one of the strategy in the next line. Brackets: 95 % bootstrap interval over seeds.
Compared are only results of the same access, selection rule, label budget, data and version of the code.
[over-tasks.json](over-tasks.json) has every pair.
"""
HEADINGS = ("strategy", "place", "IQM", "mean rank", "with failed runs", "failed runs", "above the next")


def section(comparisons: Sequence[Comparison], neighbours: tuple[int, int]) -> str:
    """Return the section on all tasks together; empty if there is nothing to say."""
    parts = [
        *_share(*neighbours),
        *([MEANING] if comparisons else []),
        *(_section(one) for one in comparisons if not _is_alone(one)),
        *_alone([one for one in comparisons if _is_alone(one)]),
    ]
    return "\n".join(["## Over tasks\n", *parts]) if parts else ""


def _share(undecided: int, pairs: int) -> list[str]:
    if not pairs:
        return []
    return [
        f"Of {pairs} pairs of neighbours in the rankings of single tasks, {undecided} ({undecided / pairs:.0%}) are "
        "not significantly different.\n"
    ]


def _is_alone(comparison: Comparison) -> bool:
    return len(comparison.standings) == 1 and not comparison.incomplete


def _section(comparison: Comparison) -> str:
    """Return the table of several strategies, and what there is to say of it."""
    lines = [_line(comparison, place) for place in range(len(comparison.standings))]
    parts = [f"### {safe(_title(comparison))}\n", *([_table(HEADINGS, lines)] if lines else [])]
    return "\n".join([*parts, *(f"- {safe(note)}" for note in _notes(comparison)), ""])


def _alone(comparisons: Sequence[Comparison]) -> list[str]:
    """Return a table of the strategies that are alone in their comparison; all-labels, which has 1, is left out."""
    shown = [one for one in comparisons if one.standings[0].strategy != ALL_LABELS and one.standings[0].iqm]
    lines = [
        [_named(one.standings[0]), safe(_title(one)), str(len(one.tasks)), _estimate(one.standings[0].iqm)]
        for one in shown
    ]
    headings = ("strategy", "results", "tasks", "IQM")
    return ["### Strategies without another to compare with\n", _table(headings, lines)] if lines else []


def _table(headings: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table without the columns that say nothing."""
    kept = [place for place in range(len(headings)) if any(line[place] != wording.NONE for line in lines)]
    cells = [[line[place] for place in kept] for line in lines]
    names = [headings[place] for place in kept]
    return f"{tabulate(cells, headers=names, tablefmt='github', disable_numparse=True)}\n"


def _title(comparison: Comparison) -> str:
    parts = [
        f"access: {wording.access(comparison.access)}",
        f"selection: {comparison.selection}",
        *([f"label budget: {comparison.label_budget}"] if comparison.label_budget else []),
        *([f"options of {comparison.tuning}"] if comparison.tuning else []),
        *([comparison.variant] if comparison.variant else []),
        comparison.version,
    ]
    return "; ".join(parts)


def _line(comparison: Comparison, place: int) -> list[str]:
    standing = comparison.standings[place]
    return [
        _named(standing),
        wording.NONE if standing.place is None else str(standing.place),
        _estimate(standing.iqm),
        _estimate(standing.mean_rank, 2),
        _estimate(standing.mean_rank_with_failed, 2) if standing.failed_runs else wording.NONE,
        str(standing.failed_runs) if standing.failed_runs else wording.NONE,
        _estimate(_above_next(comparison, standing, place)),
    ]


def _named(standing: Standing) -> str:
    return f"{safe(standing.strategy)}{' (baseline)' if standing.baseline else ''}"


def _above_next(comparison: Comparison, standing: Standing, place: int) -> Estimate | None:
    if place + 1 == len(comparison.standings):
        return None
    return comparison.improvement.get(standing.strategy, {}).get(comparison.standings[place + 1].strategy)


def _estimate(estimate: Estimate | None, digits: int = 3) -> str:
    if estimate is None:
        return wording.NONE
    value = wording.number(estimate.value, digits)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({wording.number(estimate.low, digits)} to {wording.number(estimate.high, digits)})"


def _notes(comparison: Comparison) -> list[str]:
    notes = []
    if comparison.standings:
        notes.append(f"{len(comparison.tasks)} tasks with their backbones, {comparison.runs} runs of each strategy.")
    if comparison.left_out:
        notes.append(
            f"Tasks left out, because more results can be compared without them: {_some(comparison.left_out)}."
        )
    lacking: dict[tuple[str, ...], list[str]] = {}
    for name, titles in comparison.incomplete.items():
        lacking.setdefault(titles, []).append(name)
    notes += [
        f"Not compared, without a score for {_some(titles)}: {', '.join(names)}." for titles, names in lacking.items()
    ]
    if comparison.unscaled:
        notes.append(f"Without IQM, for all-labels is not above constant: {_some(comparison.unscaled)}.")
    return notes


def _some(titles: Sequence[str]) -> str:
    more = f" and {len(titles) - SHOWN} more" if len(titles) > SHOWN else ""
    return f"{', '.join(titles[:SHOWN])}{more}"


def json_text(comparisons: Sequence[Comparison], neighbours: tuple[int, int]) -> str:
    """Return everything, unrounded."""
    undecided, pairs = neighbours
    record = {
        "neighbours": {"pairs": pairs, "not_significantly_different": undecided},
        "comparisons": [dataclasses.asdict(comparison) for comparison in comparisons],
    }
    return plain_json(f"{json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)}\n")
