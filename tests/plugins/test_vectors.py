"""One's own tables of numbers and of tagged texts, from start to end."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from tlbench import BadInputError, LoadRequest
from tlbench.cli.inspection import inspect_task
from tlbench.planning.catalog import load_catalog

FAST = {f"{owner}.steps": 40 for owner in ("source", "finetune", "scratch", "all-labels", "adversarial")}


def write(path, header, rows):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


@pytest.fixture
def numbers(tmp_path):
    """Prices in thousands that depend on two features; the target's features are shifted."""
    random = np.random.default_rng(0)
    for side, shift in (("source", 0), ("target", 1)):
        rows = random.normal(shift, 1, (120, 2))
        price = 1e5 + 2e4 * rows[:, 0] - 1e4 * rows[:, 1]
        cells = [
            [*map(str, row), "ab"[number % 2], str(y)] for number, (row, y) in enumerate(zip(rows, price, strict=True))
        ]
        write(tmp_path / f"{side}.csv", ["size", "age", "kind", "price"], cells)
    return {"task.label": "price", **{f"task.{side}": str(tmp_path / f"{side}.csv") for side in ("source", "target")}}


def test_one_s_own_numbers_run_through_every_strategy(numbers, run_pairings):
    rows = run_pairings(load_catalog(), tasks=["tabular/regression"], overrides={**FAST, **numbers}).rows
    found = {row.strategy: row for row in rows}
    assert {row.status for row in rows} == {"ok"}, [row.reason for row in rows if row.reason]
    assert set(found) >= {
        "adabn",
        "adversarial",
        "finetune",
        "frozen",
        "constant",
        "all-labels",
        "scratch",
        "source-only",
    }
    assert found["all-labels"].score > 0.5
    assert found["frozen"].score > 0.8
    assert found["constant"].score <= 0
    assert 1e2 < found["frozen"].scores["mae"] <= found["frozen"].scores["rmse"] < 2e4
    assert all(row.parity < 1e-4 for row in rows)


def test_a_label_that_is_no_number_is_named(numbers, tmp_path, run_pairings):
    table = tmp_path / "source.csv"
    table.write_text(table.read_text() + "1,2,a,cheap\n")
    rows = run_pairings(load_catalog(), tasks=["tabular/regression"], strategies=["frozen"], overrides=numbers).rows
    assert [row.status for row in rows] == ["failed"]
    assert '"cheap" is not a finite number' in rows[0].reason


@pytest.fixture
def tagged(tmp_path):
    """Texts that hold the word of each of their tags."""
    random = np.random.default_rng(0)
    for side, filler in (("source", "a page on"), ("target", "some talk about")):
        tags = random.integers(0, 2, (60, 2))
        texts = [f"{filler} {'sport ' * sport}{'music ' * music}{number}" for number, (sport, music) in enumerate(tags)]
        write(
            tmp_path / f"{side}.csv",
            ["text", "sport", "music"],
            [[text, *of] for text, of in zip(texts, tags, strict=True)],
        )
    return {
        "task.label": "sport, music",
        "backbone.hidden": 16,
        **{f"task.{side}": str(tmp_path / f"{side}.csv") for side in ("source", "target")},
    }


def test_one_s_own_tags_run_through_every_strategy(tagged, run_pairings):
    pytest.importorskip("transformers")
    rows = run_pairings(load_catalog(), tasks=["nlp/tag-table"], overrides={**FAST, **tagged}).rows
    found = {row.strategy: row for row in rows}
    assert {name for name, row in found.items() if row.status == "skipped"} == {"adabn"}
    assert "failed" not in {row.status for row in rows}, [row.reason for row in rows if row.reason]
    assert found["adversarial"].score is not None
    assert set(found["all-labels"].scores) == {"mean-average-precision", "micro-f1", "macro-f1"}
    assert found["all-labels"].score > found["constant"].score
    assert all(row.parity < 1e-4 for row in rows if row.status == "ok")


def test_numbers_in_unix_seconds_are_told_apart(tmp_path, run_pairings):
    """What is to be predicted is the seconds between two times, of which float32 keeps none."""
    random = np.random.default_rng(0)
    overrides = {"source.steps": 100}
    for side in ("source", "target"):
        seconds = random.integers(0, 60, 200)
        rows = [[1_700_000_000, 1_700_000_000 + second, second] for second in seconds.tolist()]
        write(tmp_path / f"{side}.csv", ["start", "end", "label"], rows)
        overrides[f"task.{side}"] = str(tmp_path / f"{side}.csv")
    rows = run_pairings(load_catalog(), tasks=["tabular/regression"], strategies=["frozen"], overrides=overrides).rows
    assert rows[0].score > 0.9, rows[0].reason


def test_labels_that_float32_would_blur_are_refused(tmp_path):
    task = load_catalog().task("tabular/regression")
    for side in ("source", "target"):
        rows = [[number, 1_700_000_000 + number] for number in range(60)]
        write(tmp_path / f"{side}.csv", ["feature", "label"], rows)
    places = {side: str(tmp_path / f"{side}.csv") for side in ("source", "target")}
    request = LoadRequest(task=task.name, options={**places, "label": "label", "log": False}, data_root=None)
    with pytest.raises(BadInputError, match=r'source.csv": the numbers "label" differ too little for float32'):
        task.load(request)
    assert 'the numbers "label" differ too little' in " ".join(inspect_task(task, request, 10).refused)
