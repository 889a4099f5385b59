"""What a row must be to be believed: fields of their types, names that are names, numbers within their range."""

from __future__ import annotations

import datetime
import math
import re

from tlbench.contract.budget import Budget
from tlbench.contract.task_data import Access
from tlbench.errors import StoreError, UsageError
from tlbench.results.files import slug
from tlbench.results.row import Row
from tlbench.results.values import Wrong, close, in_words, wrong_values

DOMAIN = r"(?!(?i:readme)(?:/|$))\w(?:[\w-]*\w)?"
"""Domains have pages of their names, beside README.md over all of them."""
NAMES = {
    "task": rf"{DOMAIN}/[\w.-]+",
    "domain": DOMAIN,
    "strategy": r"[\w.-]+",
    "backbone": r".+",
    "key": r"[\w-]+",
}
CHOICES = {
    "setting": ("transductive", "inductive", "target-only"),
    "source_mode": ("train", "finetune", "probe", "own-head", "none"),
}


def check(row: Row) -> None:
    """Raise `StoreError` that names the first invalid field, with its value and what was expected."""
    for wrong in wrong_fields(row):
        raise StoreError(in_words(*wrong))


def wrong_fields(row: Row) -> Wrong:
    """Yield every invalid field with its value and what was expected; those of another type alone, if there are any."""
    wrong = list(wrong_values(row))
    yield from wrong
    if not wrong:
        for rule in (_names, _choices, _budget, _score, _sizes, _forgetting, _gain, _curve, _provenance, _latency):
            yield from rule(row)


def _names(row: Row) -> Wrong:
    if row.domain.lower() == "readme":
        yield "domain", row.domain, "another name: README.md is the page over all domains"
    if row.domain != slug(row.domain):
        yield "domain", row.domain, "a name that begins and ends with a letter, a digit or _"
    for name, pattern in NAMES.items():
        if not re.fullmatch(pattern, getattr(row, name), re.DOTALL):
            yield name, getattr(row, name), f"a name that matches {pattern}"
    if row.domain != row.task.partition("/")[0]:
        yield "domain", row.domain, f"the part of the task {row.task!r} before the slash"


def _choices(row: Row) -> Wrong:
    for name, allowed in CHOICES.items():
        if getattr(row, name) not in allowed:
            yield name, getattr(row, name), " or ".join(allowed)
    if not set(row.access) <= set(Access):
        yield "access", row.access, f"parts of {', '.join(Access)}"


def _budget(row: Row) -> Wrong:
    try:
        valid = not row.budget_rule or str(Budget.parse(row.budget_rule)) == row.budget_rule
    except (UsageError, ValueError):
        valid = False
    if not valid:
        yield "budget_rule", row.budget_rule, "a number (50), N/class (5/class), all, or nothing"


def _score(row: Row) -> Wrong:
    if row.status == "ok" and row.score is None:
        yield "score", None, "a number, for its status is ok"
    if row.status == "ok" and row.stage is not None:
        yield "stage", row.stage, "none that failed, for its status is ok"
    if row.score is not None and not close(row.score, own := row.scores.get(row.metric, row.score)):
        yield "score", row.score, f"its {row.metric} among all metrics, which is {own}"


def _sizes(row: Row) -> Wrong:
    """Yield numbers of examples, groups and weights that are more than there are."""
    if row.score is not None and row.test_size == 0:
        yield "test_size", 0, "some examples, for it has a score"
    parts = (
        *(("groups", "test_size"), ("worst_group_size", "test_size"), ("weights_loaded", "weights_expected")),
        ("training_labels", "label_budget"),
    )
    for part, whole in parts:
        less, more = getattr(row, part), getattr(row, whole)
        if less is not None and more is not None and less > more:
            yield part, less, f"no more than {whole}, which is {more}"
    if row.a_distance is not None and not 0 <= row.a_distance <= 2:
        yield "a_distance", row.a_distance, "a number between 0 and 2"


def _forgetting(row: Row) -> Wrong:
    """Yield scores before and after adaptation that are not those which forgetting is computed from."""
    after = row.score_matrix[1][1] if row.score_matrix else None
    if row.eager_score is not None and row.score_matrix and row.eager_score != after:
        yield "eager_score", row.eager_score, f"that of the score_matrix after adaptation, which is {after}"
    for name, expected in forgotten(row).items():
        value = getattr(row, name)
        if value is not None and (expected is None or not close(value, expected)):
            yield name, value, f"{expected}, the score before adaptation minus the one after"


def forgotten(row: Row) -> dict[str, float | None]:
    """Return what a row forgets by its own scores, None where it lacks one of them."""
    (before, _), (after, _) = row.score_matrix or ((None, None), (None, None))
    pairs = {"forgetting_head": (before, after), "forgetting_probe": (row.probe_before, row.probe_after)}
    return {
        name: None if before is None or after is None else before - after for name, (before, after) in pairs.items()
    }


def _gain(row: Row) -> Wrong:
    negative = None if row.transfer_gain is None else row.transfer_gain < 0
    if row.negative_transfer not in (None, negative):
        yield "negative_transfer", row.negative_transfer, f"{negative}, for its transfer_gain is {row.transfer_gain}"


def _curve(row: Row) -> Wrong:
    """Yield a curve that goes back in time, or does not end with the score of the model."""
    for name, place in (("steps", 0), ("seconds", 1)):
        values = [point[place] for point in row.score_curve]
        if values != sorted(values) or (values and values[0] < 0):
            yield f"{name} of the score_curve", tuple(values), "numbers from 0 that do not fall"
    if row.score_curve and row.score_curve[-1][2] != row.eager_score:
        yield "score_curve", row.score_curve, f"one that ends with the eager_score, which is {row.eager_score}"
    if len(row.training_scores) not in (0, len(row.score_curve)):
        yield "training_scores", row.training_scores, f"one for each of the {len(row.score_curve)} of the score_curve"


def _provenance(row: Row) -> Wrong:
    for name in ("onnx_sha256", "predictions_sha256"):
        if (value := getattr(row, name)) is not None and not re.fullmatch("[0-9a-f]{64}", value):
            yield name, value, "64 hex digits"
    try:
        aware = row.created is None or datetime.datetime.fromisoformat(row.created).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        yield "created", row.created, "a time such as 2026-01-31T12:00:00+00:00"


def _latency(row: Row) -> Wrong:
    percentiles = [value for value in (row.p50_ms, row.p90_ms, row.p99_ms) if value is not None]
    if percentiles != sorted(percentiles):
        yield "p50_ms", row.p50_ms, f"no more than p90_ms and p99_ms, which are {row.p90_ms} and {row.p99_ms}"
    if row.p50_ms is not None and row.p50_ratio is not None and row.reference_p50_ms is not None:
        expected = row.p50_ratio * row.reference_p50_ms
        if not math.isclose(row.p50_ms, expected, rel_tol=1e-6):
            yield "p50_ms", row.p50_ms, f"p50_ratio times reference_p50_ms, which is {expected:g}"
