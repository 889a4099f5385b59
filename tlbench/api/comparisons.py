"""What `tlbench.compare` returns: records, counts, and the text of `tlbench compare`."""

from __future__ import annotations

import dataclasses
import statistics
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tlbench.api.tables import Lines, as_html, as_text
from tlbench.leaderboard.advice.rules import MANY_SEEDS
from tlbench.leaderboard.comparison import VERDICTS, Comparison, Uncompared
from tlbench.leaderboard.marks import WORDS
from tlbench.leaderboard.matching import PLURALS, Sort
from tlbench.leaderboard.wording import NONE, in_words, number
from tlbench.results.escapes import plain

Block = tuple[Lines, Sequence[str]]
"""A table, which may be empty, and the sentences below it."""
SHOWN, NAMED = 20, 4
"""Lines of a list, and names in one of them, that a text has; JSON has all."""
WIDTH = 80
"""Characters of a line of text; a table may need more."""
ASKED = {"backbone": "backbone", "strategy": "strategy", "label_budget": "label budget"}
"""What may tell comparisons of one task from each other, with headings."""


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
        named = list(zip(_names(self.compared), self.compared, strict=True))
        scores = [{**name, **_score_cells(one)} for name, one in named if one.verdict != "equal"]
        pairs = [one for one in self.uncompared if one.a is not None and one.b is not None]
        alone = [one for one in self.uncompared if one.a is None or one.b is None]
        blocks: list[Block] = [
            ([], [title]),
            (scores, self._summary()),
            _forgetting(named),
            _latency(self.compared),
            ([], _listed("What else differs (A -> B):", _changes(self.compared))),
            ([], _listed("Marks:", _marks(self.compared))),
            ([], _listed("Not comparable:", _grouped(pairs))),
            ([], _listed("Without a partner:", _grouped(alone))),
        ]
        return [(lines, said) for lines, said in blocks if lines or said]

    def _summary(self) -> list[str]:
        if not self.compared:
            return ["Nothing to compare: A and B have no comparable results in common."]
        counts = self.counts
        said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS)
        means = ", ".join(f"{name} {mean:+.3f}" for name, mean in self.mean_differences.items())
        lines = [
            f"B in {len(self)} comparisons: {said}.",
            f"Mean difference: {means}.",
        ]
        if counts["equal"]:
            lines.append("Equal ones, with the same score for every seed, are not listed.")
        if counts["undecided"]:
            lines.append(_undecided([one for one in self.compared if one.verdict == "undecided"]))
        return lines


def _undecided(compared: Sequence[Comparison]) -> str:
    """Return what the column of seeds says of undecided comparisons, with the numbers of the first that has any."""
    needed = [one.seeds_needed or 0 for one in compared]
    said = [
        f'"{_seeds(one)}": {one.seeds} are there, about {one.seeds_needed} would decide this difference.'
        for one in compared
        if one.seeds_needed and one.seeds_needed <= MANY_SEEDS
    ][:1]
    if max(needed) > MANY_SEEDS:
        said.append(f'"> {MANY_SEEDS}": no practical number would.')
    if not all(needed):
        said.append("Without such a number, the test split is too small to decide it.")
    return " ".join(["Undecided, with the seeds:", *said])


def _as_text(lines: Lines, remarks: Sequence[str]) -> str:
    """Return a table, and sentences of at most `WIDTH` characters a line."""
    wrapped = []
    for remark in map(plain, remarks):
        indent = "    " if remark.startswith(" ") else ""
        wrapped += textwrap.wrap(
            remark, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
    return "\n".join([*([as_text(lines)] if lines else []), *wrapped])


def _names(compared: Sequence[Comparison]) -> list[dict[str, str | None]]:
    """Return for each comparison the cells that tell it from the others: its task, and as many others as it takes."""
    names: list[dict[str, str | None]] = [{"task": one.task} for one in compared]
    for field, title in ASKED.items():
        wider = [{**name, title: getattr(one, field)} for name, one in zip(names, compared, strict=True)]
        names = wider if _distinct(wider) > _distinct(names) else names
    if _distinct(names) == len(names):
        return names
    both = [one.a if one.a == one.b else f"{one.a} / {one.b}" for one in compared]
    return [{**name, "options": entries} for name, entries in zip(names, both, strict=True)]


def _distinct(names: Sequence[Mapping[str, str | None]]) -> int:
    return len({tuple(name.values()) for name in names})


def _score_cells(one: Comparison) -> dict[str, str]:
    gap = f"{one.difference:+.3f} ± {number(one.error)}"
    cells = {"A": number(one.score_a), "B": number(one.score_b), "B - A": gap, "verdict": one.verdict}
    return {**cells, "seeds": _seeds(one)}


def _seeds(one: Comparison) -> str:
    if not one.seeds_needed:
        return str(one.seeds)
    return f"{one.seeds} of {one.seeds_needed if one.seeds_needed <= MANY_SEEDS else f'> {MANY_SEEDS}'}"


def _forgetting(named: Sequence[tuple[Mapping[str, str | None], Comparison]]) -> Block:
    """Return the lines in which forgetting differs."""
    lines = [
        {**name, "forgetting (source head)": _change(one.forgetting_head), "(probe)": _change(one.forgetting_probe)}
        for name, one in named
        if one.forgetting_head or one.forgetting_probe
    ]
    return _without_empty(lines), ["Forgetting: + is more of it."] if lines else []


def _latency(compared: Sequence[Comparison]) -> Block:
    """Return the lines in which latency differs: one for all strategies with the same graph."""
    lines = [
        {
            "task": one.task,
            "backbone": one.backbone,
            "p50 (ms)": _change(one.p50_ms),
            "relative p50": _change(one.p50_ratio),
            "busy": "yes" if one.contended else NONE,
        }
        for one in compared
        if one.p50_ms or one.p50_ratio
    ]
    told = _without_empty([dict(cells) for cells in dict.fromkeys(tuple(line.items()) for line in lines)])
    busy = any("busy" in line for line in told)
    return told, ["Busy: a machine did something else too; its latency is an upper bound."] if busy else []


def _change(value: float | None) -> str:
    return number(value, form="+")


def _without_empty(lines: Sequence[Mapping[str, str | None]]) -> list[dict[str, str | None]]:
    """Return lines without the columns in which none has anything."""
    kept = [name for name in (lines[0] if lines else ()) if any(line[name] not in (None, NONE) for line in lines)]
    return [{name: line[name] for name in kept} for line in lines]


def _changes(compared: Sequence[Comparison]) -> list[str]:
    """Return a sentence for each thing that differs, with the number of comparisons if it is not in all of them."""
    changes: dict[str, Counter[str]] = {}
    for one in compared:
        for name, (a, b) in one.differs.items():
            changes.setdefault(name, Counter())[f"{in_words(a)} -> {in_words(b)}"] += 1
    sentences = []
    for name, texts in changes.items():
        said = [text if count == len(compared) else f"{text} ({count})" for text, count in texts.items()]
        sentences.append(f"{name}: {_first(said, '; ')}")
    return sentences


def _marks(compared: Sequence[Comparison]) -> list[str]:
    """Return a sentence for each mark, with the sides and tasks that have it."""
    places: dict[str, list[str]] = {}
    for one in compared:
        for side, marked in (("A", one.marks_a), ("B", one.marks_b)):
            for name, sentence in marked.items():
                places.setdefault(f"{WORDS[name]}, {sentence}", []).append(f"{side} on {one.task}")
    return [f"{_first(list(dict.fromkeys(found)), ', ')}: {said}" for said, found in places.items()]


def _grouped(uncompared: Sequence[Uncompared]) -> list[str]:
    """Return a sentence for all entries of the same names and reason."""
    places: dict[str, list[str]] = {}
    for one in uncompared:
        names = " and ".join(dict.fromkeys(name for name in (one.a, one.b) if name is not None))
        if one.a is None or one.b is None:
            names = f"only {'A' if one.b is None else 'B'} has {names}"
        said = f"{names} ({one.reason})" if one.reason else names
        labels = f" with {one.label_budget} labels" if one.label_budget else ""
        places.setdefault(said, []).append(f"{one.task} {one.backbone or one.strategy}{labels}")
    return [f"{said}: {_first(list(dict.fromkeys(found)), ', ')}" for said, found in places.items()]


def _first(parts: Sequence[str], between: str) -> str:
    more = f" and {len(parts) - NAMED} more" if len(parts) > NAMED else ""
    return f"{between.join(parts[:NAMED])}{more}"


def _listed(heading: str, lines: Sequence[str]) -> list[str]:
    """Return a heading with lines below it, no more than people read."""
    if not lines:
        return []
    more = [f"  ... and {len(lines) - SHOWN} more (--json has all)"] if len(lines) > SHOWN else []
    return [heading, *(f"  {line}" for line in lines[:SHOWN]), *more]
