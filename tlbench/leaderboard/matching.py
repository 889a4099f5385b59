"""Which entries of two sides answer one question, apart from what is compared, and in what else they differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tlbench.leaderboard import questions, wording
from tlbench.leaderboard.aggregate import Entry
from tlbench.results.columns import COLUMNS
from tlbench.results.row import Row

Sort = Literal["strategy", "backbone", "version", "board"]
"""What is compared."""
PLURALS: Mapping[Sort, str] = {
    "strategy": "strategies",
    "backbone": "backbones",
    "version": "versions",
    "board": "boards",
}
Change = tuple[Any, Any]
"""A value of A, and that of B."""

DATA = "prepared data"
CONDITIONS = ("access", "label_budget", "metric", "setting", "target test split", "seeds", DATA)
"""What two entries must share to be compared, beside all options of the task."""
FIELDS = (
    *("setting", "test_size", "selection", "source_mode", "weights", "fitted_on"),
    *("dirty", "api_version", "machine", "device", "device_name", "threads"),
    *("precision", "accumulation_steps", "compiled", "provider", "optimisation"),
)
"""Fields of a row that are compared under their headings."""
TRAINING = ("steps", "learning_rate", "batch_size", "weight_decay")
"""Options that mean the same in all strategies that have them: those of `training_options`."""
HEADINGS = {column.field: column.heading for column in COLUMNS} | {"test_size": "target test split"}


@dataclass(frozen=True)
class Pair:
    """An entry of A beside one of B."""

    a: Entry
    b: Entry
    seeds: tuple[tuple[Row, Row], ...]
    """The rows of both for each seed that both have."""
    unlike: Mapping[str, Change]
    """What forbids a comparison."""
    differs: Mapping[str, Change]
    """What else differs."""
    own: frozenset[str]
    """Names of differences that are part of what is compared."""

    @property
    def distance(self) -> tuple[int, int]:
        """How many things differ, those that forbid a comparison first."""
        return len(self.unlike), len(self.differs.keys() - self.own)


@dataclass(frozen=True)
class Matches:
    """Entries of two sides, each beside that of the other side from which it differs least."""

    comparable: tuple[Pair, ...]
    unlike: tuple[Pair, ...]
    """Those that answer different questions and have no other partner."""
    only_a: tuple[Entry, ...]
    only_b: tuple[Entry, ...]


def match(ours: Iterable[Entry], theirs: Iterable[Entry], by: Sort) -> Matches:
    """Return which entries of A (`ours`) and B (`theirs`) are compared; all of them must have a score."""
    places: dict[tuple[str, ...], tuple[list[Entry], list[Entry]]] = defaultdict(lambda: ([], []))
    for side, entries in enumerate((ours, theirs)):
        for entry in entries:
            places[place(entry, by)][side].append(entry)
    comparable: list[Pair] = []
    unlike: list[Pair] = []
    only: tuple[list[Entry], list[Entry]] = ([], [])
    for _, sides in sorted(places.items()):
        pairs = [_pair(a, b, by) for a in sides[0] for b in sides[1]]
        near = _nearest([pair for pair in pairs if not pair.unlike])
        taken = _members(near)
        far = _nearest([pair for pair in pairs if pair.unlike and not _members([pair]) & taken])
        comparable += near
        unlike += far
        for entries, alone in zip(sides, only, strict=True):
            alone += [entry for entry in entries if id(entry) not in taken | _members(far)]
    return Matches(tuple(comparable), tuple(unlike), tuple(only[0]), tuple(only[1]))


def place(entry: Entry, by: Sort) -> tuple[str, ...]:
    """Return the names that two entries share if they may be compared."""
    row = entry.first
    return (row.task, *(getattr(row, name) for name in ("backbone", "strategy") if name != by))


def _members(pairs: Iterable[Pair]) -> set[int]:
    return {id(entry) for pair in pairs for entry in (pair.a, pair.b)}


def _nearest(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs in which neither entry has a nearer one on the other side."""
    least: dict[int, tuple[int, int]] = {}
    for pair in pairs:
        for entry in (pair.a, pair.b):
            least[id(entry)] = min(least.get(id(entry), pair.distance), pair.distance)
    return [pair for pair in pairs if pair.distance == least[id(pair.a)] == least[id(pair.b)]]


def _pair(a: Entry, b: Entry, by: Sort) -> Pair:
    theirs = {row.seed: row for row in b.rows}
    seeds = tuple((row, theirs[row.seed]) for row in a.rows if row.seed in theirs)
    changes = _changes(*map(_facts, seeds[0] if seeds else (a.first, b.first)))
    if "access" in changes:  # It says why one of them has no label budget.
        changes.pop("label_budget", None)
    if None in changes.get(questions.AUGMENTATION, ()):  # Older results do not say it.
        del changes[questions.AUGMENTATION]
    if not seeds:
        changes["seeds"] = (wording.seeds(a.rows), wording.seeds(b.rows))
    # A backbone prepares the data in its own way.
    if by != "backbone" and (data := _other_data(seeds)):
        changes[DATA] = data
    unlike = {name: values for name, values in changes.items() if name in CONDITIONS or name.startswith("task.")}
    own = frozenset(name for name in changes if name == f"plugin of {by}" or name.startswith(f"{by}."))
    silent = {name for name in own if None in changes[name] or name.startswith("plugin")}
    if a.first.strategy != b.first.strategy:  # Of two strategies, only the options of training have one meaning.
        silent |= {name for name in own if name.removeprefix("strategy.") not in TRAINING}
    differs = {name: values for name, values in changes.items() if name not in unlike and name not in silent}
    return Pair(a, b, seeds, unlike, differs, own)


def _facts(row: Row) -> dict[str, Any]:
    """Return what a result depends on, apart from its seed and the names of its task, backbone and strategy."""
    facts = questions.options(replace(row, strategy_options={}))
    facts |= {f"strategy.{name}": value for name, value in row.strategy_options.items()}
    facts |= {f"version of {name}": value for name, value in row.versions.items()}
    facts |= {HEADINGS[field]: getattr(row, field) for field in FIELDS}
    facts |= {"access": wording.access(row.access), "commit": row.commit and row.commit[:7]}
    if "target-labels" not in row.access:
        del facts["label_budget"]
    return facts


def _changes(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Change]:
    names = [*ours, *(name for name in theirs if name not in ours)]
    return {name: (ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)}


def _other_data(seeds: Iterable[tuple[Row, Row]]) -> Change | None:
    """Return the hashes of the data of the first seed for which they differ; older rows may have none."""
    hashes = [(a.data_sha256, b.data_sha256) for a, b in seeds if a.data_sha256 and b.data_sha256]
    return next(((a[:6], b[:6]) for a, b in hashes if a != b), None)
