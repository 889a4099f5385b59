"""Flags: what a reader should know of an entry before believing its numbers, in words; docs/boards.md has the rules."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import TYPE_CHECKING

from tlbench.leaderboard import questions
from tlbench.leaderboard.ranks import Difference, difference
from tlbench.results import copies, groups
from tlbench.results.baselines import (
    ALL_LABELS,
    CONSTANT,
    SCRATCH,
    SOURCE_ONLY,
    augmentation,
    only_baseline,
    requested_budget,
    steps,
)
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry

ENOUGH_EXAMPLES = 50
"""Test examples from which on an entry has no flag."""
TUNED = {"trials", "folds", "expected"}
"""What the ledger of a tuned result holds, among others."""
NEARLY = 0.1
"""Predictions are nearly constant if they vary a tenth as much as the targets, or less."""


@dataclass(frozen=True)
class Peers:
    """What an entry is compared with."""

    entries: Sequence[Entry]
    """Those that start from the same model, data and machine, itself among them."""
    failed: int
    """Its seeds that failed."""

    def baseline(self, entry: Entry, name: str) -> Entry | None:
        """Return the baseline of a name that the entry is compared with: of its label budget and augmentation."""
        budget = requested_budget(entry.first)
        named = [
            peer
            for peer in self.entries
            if _is(peer, name)
            and ("target-labels" not in peer.first.access or requested_budget(peer.first) == budget)
            and augmentation(peer.first) in (None, entry.first.augmentation)
        ]
        row = only_baseline([peer.first for peer in named], entry.first)
        return next((peer for peer in named if peer.first is row), None)


Flag = Callable[["Entry", Peers], str]
"""Entry and peers -> a sentence; empty if there is nothing to say."""


def with_flags(entries: Sequence[Entry], rows: Iterable[Row]) -> list[Entry]:
    """Return the entries with their flags; `rows` are all of the board, also those that failed."""
    models: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        models[questions.model(entry.first)].append(entry)
    failed = Counter(questions.attempt(row) for row in rows if row.status == "failed")

    def flags_of(entry: Entry) -> tuple[tuple[str, str], ...]:
        row = entry.first
        return found(entry, Peers(models[questions.model(row)], failed[questions.attempt(row)]))

    return [replace(entry, flags=flags_of(entry)) for entry in entries]


def found(entry: Entry, peers: Peers) -> tuple[tuple[str, str], ...]:
    """Return the name and the sentence of each flag of an entry."""
    said = ((name, flag(entry, peers)) for name, flag in FLAGS.items())
    return tuple((name, sentence) for name, sentence in said if sentence)


def _constant_predictions(entry: Entry, peers: Peers) -> str:
    if _is(entry, CONSTANT):
        return ""
    constant = [row for row in entry.rows if _is_nearly_constant(row)]
    if not constant:
        return ""
    worst = max(constant, key=lambda row: (row.most_common_share or 0, -(row.prediction_spread or 0)))
    share, target_share = worst.most_common_share, worst.most_common_target_share
    how = (
        f"its predictions vary by {worst.prediction_spread:.1%} of what the targets do"
        if share is None
        else f"{share:.1%} of its decisions are the same, of the targets {target_share:.1%}"
    )
    runs = f"{len(constant)} of {len(entry.rows)} runs"
    return f"Predictions are nearly constant ({how}; {runs}): it hardly uses its inputs."


def _is_nearly_constant(row: Row) -> bool:
    """Return whether predictions vary a tenth as much as targets: a task with a common class is skewed by itself."""
    share, target_share = row.most_common_share, row.most_common_target_share
    if share is not None and target_share is not None:
        return target_share < 1 and 1 - share <= NEARLY * (1 - target_share)
    return row.prediction_spread is not None and row.prediction_spread <= NEARLY


def _not_above_constant(entry: Entry, peers: Peers) -> str:
    gap = _gap(entry, peers, CONSTANT)
    if gap is None or (gap.mean > 0 and (gap.decided or gap.seeds == 1)):
        return ""
    if gap.mean > 0:
        return f"Not significantly above the constant baseline ({_size(gap)}): it may have learnt nothing."
    return f"Not above the constant baseline ({_size(gap)}): one prediction for all inputs does as well."


def _below_source_only(entry: Entry, peers: Peers) -> str:
    gap = None if entry.first.baseline else _gap(entry, peers, SOURCE_ONLY)
    return f"Below source-only ({_size(gap)}): adaptation did harm." if gap and _below(gap) else ""


def _below_scratch(entry: Entry, peers: Peers) -> str:
    gap = None if entry.first.baseline else _gap(entry, peers, SCRATCH)
    return f"Below training from scratch ({_size(gap)}): transfer did harm." if gap and _below(gap) else ""


def _beaten_all_labels(entry: Entry, peers: Peers) -> str:
    """Return who is above all-labels with fewer labels."""
    if not _is(entry, ALL_LABELS):
        return ""
    others = [peer for peer in peers.entries if "target-all-labels" not in peer.first.access]
    above = [peer.strategy for peer in others if _below(difference(entry, peer))]
    if not above:
        return ""
    names = ", ".join(above)
    return f"Below {names} with fewer labels: it is no upper bound here, and scores above it have no gap closed."


def _gap(entry: Entry, peers: Peers, name: str) -> Difference | None:
    """Return the entry's difference from another entry, a baseline; None without common seeds."""
    baseline = peers.baseline(entry, name)
    gap = difference(entry, baseline) if baseline and baseline.first.strategy != entry.first.strategy else None
    return gap if gap and gap.seeds else None


def _below(gap: Difference) -> bool:
    """Return whether a difference is significantly below 0; of one seed, whose error nobody knows, the sign counts."""
    return gap.mean < 0 and (gap.decided or gap.seeds == 1)


def _size(gap: Difference) -> str:
    return f"{gap.mean:+.3f} with one common seed" if gap.seeds == 1 else f"{gap.mean:+.3f} ± {gap.error():.3f}"


def _is(entry: Entry, name: str) -> bool:
    return entry.first.baseline and entry.first.strategy == name


def _few_test_examples(entry: Entry, peers: Peers) -> str:
    size = min((row.test_size for row in entry.rows if row.test_size is not None), default=ENOUGH_EXAMPLES)
    return "" if size >= ENOUGH_EXAMPLES else f"Only {size} test examples: only large differences can be seen."


def _few_groups(entry: Entry, peers: Peers) -> str:
    numbers = [row.groups for row in entry.rows if row.groups is not None]
    return groups.warning(min(numbers)) if numbers else ""


def _test_copies(entry: Entry, peers: Peers) -> str:
    """Return how many test examples are copies, for a strategy that is given target training data."""
    row = max(entry.rows, key=lambda row: (row.test_copies or 0, row.test_near_copies or 0))
    sees = any(part.startswith("target") for part in row.access)
    said = copies.of_row(row)
    return f"{said}: they may be known by heart." if sees and said else ""


def _source_test_copies(entry: Entry, peers: Peers) -> str:
    """Return how many source test examples are copies, for an entry that says what it has forgotten."""
    row = entry.first
    said = copies.warning(row.source_test_copies, None, row.source_test_size)
    measured = row.forgetting_head is not None or row.forgetting_probe is not None
    return f"Source: {said}: the source score and forgetting may be too high." if measured and said else ""


def _partial_checkpoint(entry: Entry, peers: Peers) -> str:
    loaded, expected = entry.first.weights_loaded, entry.first.weights_expected
    if loaded is None or expected is None or loaded >= expected:
        return ""
    return f"Only {loaded} of {expected} weights of the encoder are from the checkpoint; the others started at random."


def _unequal_steps(entry: Entry, peers: Peers) -> str:
    scratch = None if entry.first.baseline else peers.baseline(entry, SCRATCH)
    own, other = steps(entry.first), scratch and steps(scratch.first)
    if own is None or other is None or own == other:
        return ""
    return f"Trained for {own} steps, and scratch for {other}: the transfer gain compares unequal training."


def _tuned(entry: Entry, peers: Peers) -> str:
    """Return how an entry was tuned, and whether the score that the folds promised was achieved."""
    rows = [row for row in entry.rows if row.tuning.keys() >= TUNED and row.score is not None]
    if not rows:
        return ""
    first = rows[0].tuning
    expected, achieved = mean(row.tuning["expected"] for row in rows), mean(row.score or 0.0 for row in rows)
    return (
        f"Tuned: the best of {first['trials']:.0f} settings on {first['folds']:.0f} folds of the label budget; "
        f"expected {expected:.3f}, achieved {achieved:.3f} on the test split."
    )


def _contended_latency(entry: Entry, peers: Peers) -> str:
    contended = any(row.contended for row in entry.rows)
    return "The machine was busy while latency was measured: milliseconds are an upper bound." if contended else ""


def _failed_runs(entry: Entry, peers: Peers) -> str:
    if not peers.failed:
        return ""
    return f"{peers.failed} of {peers.failed + len(entry.rows)} runs failed: score and rank are those of the others."


FLAGS: Mapping[str, Flag] = {
    "constant-predictions": _constant_predictions,
    "not-above-constant": _not_above_constant,
    "below-source-only": _below_source_only,
    "below-scratch": _below_scratch,
    "all-labels-beaten": _beaten_all_labels,
    "few-test-examples": _few_test_examples,
    "few-groups": _few_groups,
    "test-copies": _test_copies,
    "source-test-copies": _source_test_copies,
    "partial-checkpoint": _partial_checkpoint,
    "unequal-steps": _unequal_steps,
    "tuned": _tuned,
    "contended-latency": _contended_latency,
    "failed-runs": _failed_runs,
}
"""Name of a flag -> what says its sentence, in the order in which pages list them."""


def sentences(entries: Sequence[Entry]) -> list[str]:
    """Return a line for each different flag of a task's entries, with the names of those that have it."""
    several = len({entry.first.backbone for entry in entries}) > 1
    flagged: dict[tuple[str, str], list[str]] = defaultdict(list)
    for entry in entries:
        for flag in entry.flags:
            flagged[flag].append(named(entry, several))
    places = {name: place for place, name in enumerate(FLAGS)}
    ordered = sorted(flagged.items(), key=lambda one: places[one[0][0]])
    return [
        f"Flag, {'all results' if 1 < len(entries) == len(names) else ', '.join(names)}: {sentence}"
        for (_, sentence), names in ordered
    ]


def named(entry: Entry, several: bool) -> str:
    """Return the name of an entry, with its backbone if a task has several."""
    return f"{entry.strategy} on {entry.first.backbone}" if several else entry.strategy
