"""The tables of docs/findings.md, from a board with all predictions: `python docs/findings.py BOARD` prints them.

Each strategy beside its reference: `finetune` if it is given target labels, else `source-only`; where the training
examples are all normal, `frozen`. Differences are those of the board, paired by seed and test example.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlbench.leaderboard.aggregate import Entry, aggregate
from tlbench.leaderboard.ranks import Difference, difference
from tlbench.leaderboard.wording import number
from tlbench.planning.augmentation import usual_strength
from tlbench.planning.catalog import load_catalog
from tlbench.results.baselines import requested_budget
from tlbench.results.row_files import read_rows

SHOWN = (
    "vision/digits",
    "vision/capitals-digits",
    "medical/lesion-scanners",
    "nlp/reviews",
    "speech/commands-accents",
    "robotics/joint-load",
    "anomaly/flows",
)
"""Tasks with a column of their own: one a domain, and one with other labels in the target."""
FAMILIES = {
    "Which weights are trained, when, and how fast": "partial",
    "Few weights beside those of the source model": "peft",
    "Fine-tuning that forgets less": "retention",
    "Semi-supervised, prototypes, episodes, label names": "few_labels",
    "Self-supervised training on target inputs": "pretext",
    "Several models": "ensembles",
    "Mixing of examples": "mixing",
    "Frozen features": "frozen",
    "Alignment of source and target features": "alignment",
    "Adversarial adaptation": "adversarial",
    "Unlabelled target inputs alone": "source_free",
    "BatchNorm statistics of the target": "adabn",
    "Detectors that learn from normal examples": "outliers",
}
"""Heading -> plugin."""
HEADINGS = ("strategy", "tasks", "better", "worse", "in gaps: median (range)", "forgets less, more", "training")


@dataclass(frozen=True)
class Beside:
    """A strategy beside its reference on one task."""

    task: str
    gap: Difference
    scaled: float | None
    """The difference in units of the gap between the constant baseline and all-labels; None without such a gap."""
    forgetting: Sequence[float]
    """Forgetting minus that of the reference, seed by seed."""
    cost: float | None
    """CPU seconds of adaptation over those of the reference; None beside source-only, which computes nothing."""


def plain(board: Path) -> dict[tuple[str, str], dict[str, Entry]]:
    """Return the results of embedded tasks as the tasks and strategies come, by task and backbone and by strategy.

    Other label budgets and augmentations, and tuned options, are left out.
    """
    catalog = load_catalog()
    found: dict[tuple[str, str], dict[str, Entry]] = {}
    for entry in aggregate(read_rows(board), board):
        row = entry.first
        task, strategy = catalog.tasks[row.task], catalog.strategies[row.strategy]
        plainly = (
            task.data_from == "package"
            and requested_budget(row) == str(task.label_budget)
            and not row.tuning
            and row.augmentation in (None, usual_strength(task, catalog.backbone(row.backbone)))
        )
        if not plainly:
            continue
        own = found.setdefault((row.task, row.backbone), {})
        if strategy.name in own:
            raise SystemExit(f'Two results of "{row.strategy}" on "{row.task}": use a board with one each.')
        own[strategy.name] = entry
    return found


def tables(board: Path) -> Iterator[str]:
    """Yield a heading with its table for each family that the board has results of; each backbone counts as a task."""
    found = plain(board)
    plugins: dict[str, dict[str, list[Beside]]] = {}
    for (task, _), entries in sorted(found.items()):
        for name, entry in entries.items():
            reference = entries.get(_reference(entry, entries))
            if reference is not None and reference is not entry and not entry.first.baseline:
                plugin = entry.first.plugins["strategy"].partition(" ")[0]
                own = plugins.setdefault(plugin, {}).setdefault(name, [])
                own.append(_beside(task, entry, reference, entries))
    for heading, plugin in FAMILIES.items():
        if plugin in plugins:
            yield f"### {heading}\n\n{_table(plugins[plugin])}"
    for (task, _), entries in sorted(found.items()):
        if any("return" in row.scores for entry in entries.values() for row in entry.rows):
            yield f"### A policy in a closed loop: `{task}`\n\n{_closed_loop(entries)}"


def _closed_loop(entries: Mapping[str, Entry]) -> str:
    """Return a table of the mean return over seeds, with the lowest and the highest, beside the score."""
    found = {name: [row.scores["return"] for row in entry.rows] for name, entry in entries.items()}
    lines = [("strategy", "return: mean (range over seeds)", "score", "forgetting")]
    lines.append(("---",) * len(lines[0]))
    for name, returns in sorted(found.items(), key=lambda item: (-statistics.mean(item[1]), item[0])):
        values = f"{statistics.mean(returns):.3f} ({min(returns):.2f} to {max(returns):.2f})"
        lines.append((f"`{name}`", values, *(number(entries[name].mean(of)) for of in ("score", "forgetting_head"))))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _reference(entry: Entry, entries: Mapping[str, Entry]) -> str:
    wanted = "finetune" if "target-labels" in entry.first.access else "source-only"
    return wanted if wanted in entries else "frozen"


def _beside(task: str, entry: Entry, reference: Entry, entries: Mapping[str, Entry]) -> Beside:
    gap = difference(entry, reference)
    low, high = (entries[name].mean("score") if name in entries else None for name in ("constant", "all-labels"))
    scale = None if low is None or high is None or high <= low else high - low
    theirs = {row.seed: row for row in reference.rows}
    pairs = [(row.forgetting_head, theirs[row.seed].forgetting_head) for row in entry.rows if row.seed in theirs]
    more = [ours - other for ours, other in pairs if ours is not None and other is not None]
    seconds = [one.stage_seconds("adapt") for one in (entry, reference)]
    cost = seconds[0] / seconds[1] if reference.first.trained_parameters and seconds[0] and seconds[1] else None
    return Beside(task, gap, None if scale is None else gap.mean / scale, more, cost)


def _table(strategies: Mapping[str, Sequence[Beside]]) -> str:
    shown = [task for task in SHOWN if any(one.task == task for own in strategies.values() for one in own)]
    lines = [(*HEADINGS, *(f"`{task}`" for task in shown))]
    lines.append(("---",) * len(lines[0]))
    ordered = sorted(strategies.items(), key=lambda item: (-(_median(item[1]) or 0), item[0]))
    lines += [(*_summary(name, own), *(_cell(own, task) for task in shown)) for name, own in ordered]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _summary(name: str, own: Sequence[Beside]) -> Iterator[str]:
    decided = [one.gap.mean for one in own if one.gap.decided]
    yield f"`{name}`"
    yield str(len(own))
    yield str(sum(gap > 0 for gap in decided))
    yield str(sum(gap < 0 for gap in decided))
    scaled = [one.scaled for one in own if one.scaled is not None]
    yield f"{_median(own):+.3f} ({min(scaled):+.2f} to {max(scaled):+.2f})" if scaled else "-"
    measured = [one.forgetting for one in own if one.forgetting]
    less, more = (sum(all(sign * gap < 0 for gap in gaps) for gaps in measured) for sign in (1, -1))
    yield f"{less}, {more} of {len(measured)}" if measured else "-"
    costs = [one.cost for one in own if one.cost is not None]
    yield f"{number(statistics.median(costs), 1)} x" if costs else "-"


def _median(own: Sequence[Beside]) -> float | None:
    scaled = [one.scaled for one in own if one.scaled is not None]
    return statistics.median(scaled) if scaled else None


def _cell(own: Sequence[Beside], task: str) -> str:
    """Return the difference on one task with its interval, bold if that excludes 0."""
    found = [one.gap for one in own if one.task == task]
    if not found:
        return "-"
    text = f"{found[0].mean:+.3f} ± {found[0].error():.3f}"
    return f"**{text}**" if found[0].decided else text


if __name__ == "__main__":
    print("\n\n".join(tables(Path(sys.argv[1]))))
