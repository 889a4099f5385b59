"""What `tlbench.compare` returns: records, counts, and the text of `tlbench compare`."""

from __future__ import annotations

import dataclasses
import functools
import statistics
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tlbench.api.tables import Lines, as_html, as_text
from tlbench.leaderboard.comparison import VERDICTS, Comparison, Uncompared
from tlbench.leaderboard.matching import PLURALS, Sort
from tlbench.leaderboard.wording import NONE, in_words, number
from tlbench.results.escapes import plain

Block = tuple[Lines, Sequence[str]]
"""A table, which may be empty, and the sentences below it."""
SHOWN = 20
"""Entries that are not compared, and differences of provenance, that a text lists; JSON has all."""
WIDTH = 80
"""Characters of a line of text; a table may need more."""
ASKED = ("backbone", "strategy", "label_budget")
"""What tells comparisons of one task from each other."""
BESIDE = {
    "forgetting_head": "forgetting (head)",
    "forgetting_probe": "(probe)",
    "p50_ms": "p50 (ms)",
    "p50_ratio": "relative p50",
}
"""Headings of what is compared beside the score."""

LEGEND = "Forgetting: + is more of it. Latency: at batch 1; † marks a machine that was busy with something else."


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparisons:
    """How B differs from A: `len` and iteration give the comparisons. Its text is what `tlbench compare` prints."""

    a: str
    """The word that named A."""
    b: str
    """The word that named B."""
    by: Sort
    """What they are: `strategy`, `backbone`, `version` or `board`."""
    board: str
    """The folder that has both; empty for two boards."""
    compared: tuple[Comparison, ...]
    """One for each task, backbone, strategy and label budget, apart from what is compared."""
    uncompared: tuple[Uncompared, ...]
    """Entries with the same names that may not be compared, and those that only one side has."""

    def __len__(self) -> int:
        return len(self.compared)

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.compared)

    @property
    def counts(self) -> dict[str, int]:
        """Verdict -> number of comparisons."""
        return {verdict: sum(one.verdict == verdict for one in self.compared) for verdict in VERDICTS}

    @property
    def mean_differences(self) -> dict[str, float]:
        """Metric -> mean difference over its comparisons."""
        metrics = dict.fromkeys(one.metric for one in self.compared)
        return {
            metric: statistics.fmean(one.difference for one in self.compared if one.metric == metric)
            for metric in metrics
        }

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {**dataclasses.asdict(self), "counts": self.counts, "mean_differences": self.mean_differences}

    def __repr__(self) -> str:
        return "\n\n".join(_as_text(*block) for block in self._blocks())

    def _repr_html_(self) -> str:
        return "".join(as_html(*block) for block in self._blocks())

    def _blocks(self) -> list[Block]:
        """Return what there is to say: tables, each with the sentences below it."""
        where = f"{PLURALS[self.by]} of {self.board}" if self.board else PLURALS[self.by]
        title = f"A: {self.a}, B: {self.b} ({where}). Differences are B - A, scores with 95 % intervals."
        named = _names(self.compared)
        scores = [{**name, **_score_cells(one)} for name, one in zip(named, self.compared, strict=True)]
        beside = _beside(named, self.compared)
        pairs = [one for one in self.uncompared if one.a is not None and one.b is not None]
        alone = [one for one in self.uncompared if one.a is None or one.b is None]
        blocks: list[Block] = [
            ([], [title]),
            (scores, self._summary()),
            (beside, [LEGEND] if beside else []),
            ([], _listed("What else differs (A -> B):", _changes(self.compared))),
            ([], _listed("Not comparable:", _grouped(pairs))),
            ([], _listed("Without a partner:", _grouped(alone))),
        ]
        return [(lines, said) for lines, said in blocks if lines or said]

    def _summary(self) -> list[str]:
        if not self.compared:
            return ["Nothing to compare: A and B have no comparable results in common."]
        counts = self.counts
        ties = counts["undecided"] + counts["equal"]
        said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
        means = "; ".join(f"{name} {mean:+.3f}" for name, mean in self.mean_differences.items())
        lines = [
            f"B in {len(self)} comparisons: {said} (win/tie/loss {counts['better']}/{ties}/{counts['worse']}).",
            f"Mean difference: {means}.",
        ]
        if counts["undecided"]:
            lines.append(
                "needed: seeds in all that would decide a difference of this size. If an undecided one has none, the "
                "test split is too small to decide it with any number of seeds."
            )
        return lines


def _as_text(lines: Sequence[Mapping[str, Any]], remarks: Sequence[str]) -> str:
    """Return a table, and sentences of at most `WIDTH` characters a line."""
    wrap = functools.partial(
        textwrap.fill, width=WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join([*([as_text(lines)] if lines else []), *(wrap(plain(remark)) for remark in remarks)])


def _names(compared: Sequence[Comparison]) -> list[dict[str, str | None]]:
    """Return for each comparison the cells that tell it from the others: its task, and what varies within a task."""
    shown = [
        name for name in ASKED if len({(one.task, getattr(one, name)) for one in compared}) > len(_tasks(compared))
    ]
    names = [{name.replace("_", " "): getattr(one, name) for name in ("task", *shown)} for one in compared]
    if len({tuple(name.values()) for name in names}) == len(names):
        return names
    both = [one.a if one.a == one.b else f"{one.a} / {one.b}" for one in compared]
    return [{**name, "options": entries} for name, entries in zip(names, both, strict=True)]


def _tasks(compared: Sequence[Comparison]) -> set[str]:
    return {one.task for one in compared}


def _score_cells(one: Comparison) -> dict[str, Any]:
    gap = f"{one.difference:+.3f} ± {number(one.error)}"
    cells = {"A": one.score_a, "B": one.score_b, "B - A": gap}
    return {**cells, "verdict": one.verdict, "seeds": one.seeds, "needed": one.seeds_needed}


def _beside(named: Sequence[Mapping[str, Any]], compared: Sequence[Comparison]) -> list[dict[str, Any]]:
    """Return the lines of forgetting and latency, with the columns in which some comparison has a number."""
    present = [field for field in BESIDE if any(getattr(one, field) is not None for one in compared)]
    lines = []
    for name, one in zip(named, compared, strict=True):
        cells = {BESIDE[field]: number(getattr(one, field), form="+") for field in present}
        busy = {title: f"{cell}†" for title, cell in cells.items() if "p50" in title and cell != NONE and one.contended}
        lines.append({**name, **cells, **busy})
    return lines if present else []


def _changes(compared: Sequence[Comparison]) -> list[str]:
    """Return a sentence for each thing that differs, with the number of comparisons if it is not in all of them."""
    changes: dict[str, Counter[str]] = {}
    for one in compared:
        for name, (a, b) in one.differs.items():
            changes.setdefault(name, Counter())[f"{in_words(a)} -> {in_words(b)}"] += 1
    return [
        f"{name}: "
        + "; ".join(text if count == len(compared) else f"{text} ({count})" for text, count in texts.items())
        for name, texts in changes.items()
    ]


def _grouped(uncompared: Sequence[Uncompared]) -> list[str]:
    """Return a sentence for all entries of the same names and reason."""
    places: dict[str, list[str]] = {}
    for one in uncompared:
        names = " and ".join(dict.fromkeys(name for name in (one.a, one.b) if name is not None))
        if one.a is None or one.b is None:
            names = f"only {'A' if one.b is None else 'B'} has {names}"
        said = f"{names} ({one.reason})" if one.reason else names
        places.setdefault(said, []).append(f"{one.task} {one.backbone or one.strategy}")
    return [f"{said}: {', '.join(dict.fromkeys(found))}" for said, found in places.items()]


def _listed(heading: str, lines: Sequence[str]) -> list[str]:
    """Return a heading with lines below it, no more than people read."""
    if not lines:
        return []
    more = [f"  ... and {len(lines) - SHOWN} more (--json has all)"] if len(lines) > SHOWN else []
    return [heading, *(f"  {line}" for line in lines[:SHOWN]), *more]
