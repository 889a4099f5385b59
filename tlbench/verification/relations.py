"""What rows of one board say of each other: baselines, shared source models, data and keys."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tlbench.leaderboard import questions, versions
from tlbench.planning.rules import SETS_ASIDE
from tlbench.results import baselines
from tlbench.results.files import canonical, digest
from tlbench.results.row import Row
from tlbench.results.row_checks import forgotten
from tlbench.verification.report import Problem, differs

Rows = Mapping[str, Row]
"""File of a row -> the row."""
Split = tuple[str, str, str]
"""(`test_sha256` or `targets`, what has one test split, hash of its targets)."""
NO_BASELINE = "no baseline of the same version"
"""How the reason begins why a gain cannot be verified."""
SHARED_BY_SOURCE: Mapping[str, Callable[[Row], Any]] = {
    "source_metric": lambda row: row.source_metric,
    "source_test_size": lambda row: row.source_test_size,
    "probe_before": lambda row: row.probe_before,
    "a_distance": lambda row: row.a_distance,
    "score_matrix[0]": lambda row: row.score_matrix and row.score_matrix[0],
}
"""What rows say of the source model that they start from."""
SHARED_BY_DATA: Mapping[str, Callable[[Row], Any]] = {
    "data_sha256": lambda row: row.data_sha256,
    "test_copies": lambda row: row.test_copies,
    "test_near_copies": lambda row: row.test_near_copies,
    "source_test_copies": lambda row: row.source_test_copies,
}
"""What rows say of the data that their backbone prepared."""


def wrong_relations(rows: Rows, splits: Mapping[str, Sequence[Split]]) -> Iterator[Problem]:
    """Yield the fields of rows that contradict other rows; `splits` are what names their test splits."""
    yield from _duplicates(rows)
    yield from _hidden(rows)
    yield from _beside_baselines(rows)
    scored = {file: row for file, row in rows.items() if row.status == "ok"}
    with_source = {file: row for file, row in scored.items() if row.setting != "target-only"}
    # A source model that is trained again is the same one, bit by bit, on a CPU alone.
    on_cpu = {file: row for file, row in with_source.items() if row.device == "cpu"}
    for name, value in SHARED_BY_SOURCE.items():
        yield from _disagreements(on_cpu, _source_model, value, name, "source model")
    yield from _unadapted(on_cpu)
    for name, value in SHARED_BY_DATA.items():
        yield from _disagreements(with_source, _data, value, name, "data and backbone")
    yield from _disagreements(scored, _task, lambda row: row.test_size, "test_size", "task")
    yield from _other_targets(scored, splits)


def lacking_baselines(rows: Rows) -> dict[str, str]:
    """Return the files of rows whose transfer gain or gap closed has no baseline on the board, each with the reason."""
    lacking = {}
    for file, row, found in _compared(rows):
        fields = [name for name in baselines.NOTHING if getattr(row, name) is not None and name not in found]
        if fields:
            lacking[file] = f"{NO_BASELINE} for {fields[0]}"
    return lacking


def _compared(rows: Rows) -> Iterator[tuple[str, Row, Mapping[str, Any]]]:
    """Yield each row with what the baselines of its own version give."""
    found = questions.comparisons(list(rows.values()))
    return ((file, row, fields) for (file, row), fields in zip(rows.items(), found, strict=True))


def _beside_baselines(rows: Rows) -> Iterator[Problem]:
    """Yield gains that are others than those of the baselines; boards compute those that a row does not say."""
    for file, row, found in _compared(rows):
        for name, expected in found.items():
            if (value := getattr(row, name)) is not None and differs(value, expected):
                yield Problem(file, name, value, f"{expected!r}, computed from the scores of its baselines")


def _duplicates(rows: Rows) -> Iterator[Problem]:
    """Yield the older rows of one question and seed: a copy under another key is no further seed."""
    same: dict[tuple[str, int], list[tuple[str, str]]] = defaultdict(list)
    for file, row in rows.items():
        same[questions.question(row), row.seed].append((row.created or "", file))
    for group in same.values():
        *others, (_, newest) = sorted(group)
        for _, file in others:
            yield Problem(file, "seed", rows[file].seed, f"one row a question and seed, but {newest} is another")


def _hidden(rows: Rows) -> Iterator[Problem]:
    """Yield forgetting that a row does not state, although it has the scores."""
    for file, row in rows.items():
        for name, expected in forgotten(row).items():
            if getattr(row, name) is None and expected is not None:
                yield Problem(file, name, None, f"{expected!r}, the score before adaptation minus the one after")


def _source_model(row: Row) -> str:
    """Name the source model of a row: one whose rule chooses by source labels was trained without some of them."""
    return digest([questions.start(row), SETS_ASIDE.get(row.selection) == "source"])


def _unadapted(rows: Rows) -> Iterator[Problem]:
    """Yield rows whose source model has another score on the target than source-only, which serves it unchanged."""
    floor: dict[str, set[float | None]] = defaultdict(set)
    for row in rows.values():
        if row.strategy == baselines.SOURCE_ONLY:
            floor[_source_model(row)].add(row.eager_score)
    for file, row in rows.items():
        several = floor[_source_model(row)]
        expected = min(several, key=str) if len(several) == 1 else None
        if row.setting != "transductive" or row.score_matrix is None or expected is None:
            continue
        if differs(value := row.score_matrix[0][1], expected):
            yield Problem(file, "score_matrix[0][1]", value, f"{expected!r}, the eager score of source-only")


def _disagreements(
    rows: Rows, group: Callable[[Row], str], value: Callable[[Row], Any], name: str, what: str
) -> Iterator[Problem]:
    """Yield rows whose value is not the one that most rows of their group have."""
    groups: dict[str, dict[str, Any]] = defaultdict(dict)
    for file, row in rows.items():
        groups[group(row)][file] = value(row)
    for values in groups.values():
        yield from _odd(values, name, what)


def _other_targets(rows: Rows, splits: Mapping[str, Sequence[Split]]) -> Iterator[Problem]:
    """Yield rows that were scored on other targets than most rows of their task."""
    groups: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for file in rows.keys() & splits.keys():
        for name, shared, targets in splits[file]:
            groups[name, shared][file] = targets
    for (name, _), values in groups.items():
        yield from _odd(values, name, "task")


def _odd(values: Mapping[str, Any], name: str, what: str) -> Iterator[Problem]:
    """Yield the files whose value is not that of most; all of them if no value is."""
    counts = Counter(map(canonical, values.values()))
    if len(counts) < 2:
        return
    (usual, most), (_, second) = counts.most_common(2)
    for file, value in sorted(values.items()):
        if most == second:
            yield Problem(file, name, value, f"the same in all results of one {what}")
        elif canonical(value) != usual:
            yield Problem(file, name, value, f"{usual}, as in {most} other results of its {what}")


def _task(row: Row) -> str:
    return digest([row.task, row.task_options, row.files])


def _data(row: Row) -> str:
    """Name what rows with the same prepared data have in common."""
    model = [row.backbone, row.backbone_options, row.weights_sha256]
    return digest([_task(row), *model, row.machine, versions.version(row)])
