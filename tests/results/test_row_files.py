from __future__ import annotations

import dataclasses
import json
import math
import shutil
from collections import Counter
from random import Random

import numpy as np
import pytest
from support import plan_only

from tlbench.contract import kind_specs as kindspecs
from tlbench.contract.specs import DomainSpec, KindSpec, StrategySpec, TaskSpec
from tlbench.errors import StoreError
from tlbench.planning.names import NAMES
from tlbench.results import row_files
from tlbench.results.files import file_sha256
from tlbench.results.left_out import MOST
from tlbench.results.row import Row, write_row
from tlbench.results.row_checks import NAMES as ROW_NAMES
from tlbench.results.row_files import LARGEST, read_row, read_rows
from tlbench.results.values import RANGES


@pytest.fixture
def rows(catalog, settings):
    """Rows of seeds 0 and 1, with values in fields of every type."""
    plan = plan_only(catalog, settings, tasks=["toy/blobs"], strategies=["finetune"], seeds=(0, 1))
    return [
        Row(
            **{**pairing.row_fields(settings), "budget_rule": "5/class"},
            status="ok",
            score=0.75,
            score_low=0.7,
            score_high=0.8,
            scores={"accuracy": 0.75, "nll": 3},
            score_matrix=((0.9, None), (0.8, 0.75)),
            shapes=((1, 6),),
            seconds={"adapt": 1.5},
            contended=False,
        )
        for pairing in plan.pairings
    ]


@pytest.fixture
def board(rows, tmp_path):
    for row in rows:
        write_row(tmp_path, row)
    return tmp_path


def changed(board, row, **values):
    """Write values into a row's file as they are, without a digest; return the file."""
    path = board / "rows" / row.file_name
    record = {**json.loads(path.read_text()), **values}
    del record["digest"]
    path.write_text(json.dumps(record))
    return path


def read_with_one_left_out(board):
    """Return the seeds of the rows that are read, and the one warning."""
    with pytest.warns(UserWarning, match="It is left out") as warned:
        seeds = [row.seed for row in read_rows(board)]
    (warning,) = warned
    return seeds, str(warning.message)


@pytest.mark.parametrize(
    "damage", [b"", b'{"schema": 2', b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000, b"\0" * 9]
)
def test_a_damaged_file_is_named_with_what_to_do_and_the_others_are_read(board, rows, damage):
    path = board / "rows" / rows[0].file_name
    path.write_bytes(damage)
    with pytest.raises(StoreError, match=r"cannot be read: .* Remove it, or restore it"):
        read_row(path)
    seeds, warning = read_with_one_left_out(board)
    assert (seeds, f'The row "{path}"' in warning) == ([1], True)


WRONG = {
    "score": (math.nan, math.inf, "0.9", [1], True, 10**400, 7.5, -3.0, None),
    "score_low": (0.85,),
    "seed": ("a", None, 10**30, 1.5, True),
    "access": ("all", None, ["moon"], [1]),
    "status": ("great", None),
    "setting": ("", "sideways"),
    "source_mode": ("stolen",),
    "scores": (None, [1], {"accuracy": "high"}, {"accuracy": 1.5}, {"nll": -1.0}, {"mine": math.nan}),
    "seconds": (None, {"adapt": -1.0}),
    "probe_before": (1.5,),
    "score_matrix": ([1], [[0.5, 0.5]], [[0.5], [0.5]], [[0.5, 0.5], [0.5, 1.5]]),
    "budget_rule": ("x/class", "٣/class", "0/class", "/class", "-1", "5/class ", None),
    "machine": (None,),
    "task": (None, "x", "toy/../../etc", "toy/", ""),
    "domain": ("vision", "other", "../../x", "", "toy\n"),
    "strategy": ("", "a b", "../x", "\x1b[2J"),
    "backbone": ("",),
    "key": ("", "../x"),
    "task_options": ([1], {"noise": [1]}),
    "shapes": ("abc", [["a"]], [1]),
    "p50_ms": ("fast", -0.5),
    "label_budget": (-1,),
    "threads": ("x",),
    "schema": (3, "2", 2.0, True),
    "reason": (5,),
    "contended": (0,),
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in WRONG.items() for value in values])
def test_a_value_that_cannot_be_right_is_named_and_the_other_rows_are_read(board, rows, field, value):
    changed(board, rows[0], **{field: value})
    seeds, warning = read_with_one_left_out(board)
    assert seeds == [1]
    assert f"its {field.removesuffix('s')}" in warning


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"score_low": 0.76}, "a number in its interval, which ends at 0.76"),
        ({"score_high": 0.74}, "a number in its interval, which ends at 0.74"),
        (
            {"worst_group_score": 0.1, "worst_group_low": 0.2, "worst_group_high": 0.3},
            "its interval, which ends at 0.2",
        ),
        ({"p50_ms": 0.7, "p90_ms": 0.8, "p99_ms": 0.6}, "no more than p90_ms and p99_ms, which are 0.8 and 0.6"),
        ({"p50_ms": 1e-9, "p50_ratio": 2.0, "reference_p50_ms": 0.25}, "times reference_p50_ms, which is 0.5"),
        ({"stage": "adapt"}, "none that failed, for its status is ok"),
        ({"scores": {"accuracy": 0.5}}, "its accuracy among all metrics, which is 0.5"),
        ({"forgetting_head": 0.0}, "the score before adaptation minus the one after"),
        ({"forgetting_probe": 0.1, "probe_before": 0.9, "probe_after": 0.7}, "the score before adaptation minus"),
        ({"eager_score": 0.9}, "that of the score_matrix after adaptation, which is 0.75"),
        ({"transfer_gain": -0.1, "negative_transfer": False}, "True, for its transfer_gain is -0.1"),
        ({"test_size": 10, "groups": 11}, "no more than test_size, which is 10"),
        ({"training_labels": 10**6}, "no more than label_budget"),
        ({"a_distance": 2.5}, "a number between 0 and 2"),
        ({"test_size": 0}, "some examples, for it has a score"),
        ({"created": "yesterday"}, "a time such as"),
        ({"onnx_sha256": "0"}, "64 hex digits"),
        ({"domain": "toy-", "task": "toy-/blobs"}, "a name that begins and ends with a letter, a digit or _"),
    ],
)
def test_values_that_contradict_each_other_are_named(board, rows, values, expected):
    changed(board, rows[0], **values)
    seeds, warning = read_with_one_left_out(board)
    assert (seeds, expected in warning) == ([1], True)


def test_text_with_half_a_character_is_left_out_for_it_cannot_be_written(board, rows):
    changed(board, rows[0], reason="\ud800")
    seeds, warning = read_with_one_left_out(board)
    assert (seeds, r"can't encode character '\ud800'" in warning) == ([1], True)


def test_a_readme_is_no_domain(board, rows):
    changed(board, rows[0], domain="README", task="README/blobs")
    assert "README.md is the page over all domains" in read_with_one_left_out(board)[1]


@pytest.mark.parametrize("values", [{"score": 1, "score_high": 1}, {"score": 1 + 1e-12, "score_high": 0.9999999}])
def test_whole_numbers_and_rounding_are_no_faults(board, rows, values):
    changed(board, rows[0], **values, scores={"accuracy": 1.0})
    assert len(list(read_rows(board))) == 2


def test_a_metric_of_a_plugin_has_a_range_of_its_own(board, rows):
    changed(board, rows[0], metric="kilometres", score=-7.5, score_low=-9.0, score_high=12.0)
    assert [row.score for row in read_rows(board)] == [-7.5, 0.75]


def test_every_metric_of_a_shipped_kind_has_its_range():
    kinds = [spec.create() for spec in vars(kindspecs).values() if isinstance(spec, KindSpec)]
    assert len(kinds) >= 9
    assert {name for kind in kinds for name in kind.metrics(("O", "B-x"))} == set(RANGES)


def test_names_of_rows_are_those_that_plugins_may_give():
    of_specs = {"task": TaskSpec, "domain": DomainSpec, "strategy": StrategySpec}
    assert {name: NAMES[spec] for name, spec in of_specs.items()} == {name: ROW_NAMES[name] for name in of_specs}


@pytest.mark.parametrize("name", ["toy/zzz-copy.json", "another/copy.json"])
def test_a_copy_under_another_name_is_no_further_seed(board, rows, name):
    copy = board / "rows" / name
    copy.parent.mkdir(exist_ok=True)
    shutil.copy(board / "rows" / rows[0].file_name, copy)
    seeds, warning = read_with_one_left_out(board)
    assert (seeds, str(copy) in warning, rows[0].file_name in warning) == ([0, 1], True, True)


def test_a_file_that_is_being_written_is_no_row(board, rows):
    path = board / "rows" / rows[0].file_name
    shutil.copy(path, path.with_name(".tmp-abc.json"))
    assert [row.seed for row in read_rows(board)] == [0, 1]


def test_what_is_no_regular_file_is_left_out(board, rows):
    path = board / "rows" / rows[0].file_name
    path.unlink()
    path.mkdir()
    assert "it is no regular file" in read_with_one_left_out(board)[1]


def test_of_many_damaged_rows_some_are_named_and_the_others_counted(board, rows):
    for place in range(MOST + 5):
        (board / "rows" / "toy" / f"damaged-{place:02}.json").write_bytes(b"{")
    with pytest.warns(UserWarning, match="left out") as warned:
        assert [row.seed for row in read_rows(board)] == [0, 1]
    said = [str(warning.message) for warning in warned]
    assert (len(said), "damaged-00" in said[0], said[-1]) == (MOST + 1, True, "5 further results are left out.")


def test_what_a_warning_quotes_is_short_and_printable(board, rows):
    path = board / "rows" / "toy" / "\x1b[2Jhidden\u202e.json"
    path.write_text(
        json.dumps({**json.loads((board / "rows" / rows[0].file_name).read_text()), "\x1b[2J" + "x" * 10**6: 1})
    )
    seeds, warning = read_with_one_left_out(board)
    assert (seeds, warning.isprintable(), len(warning) < 3000) == ([0, 1], True, True)


def test_a_file_too_large_for_a_row_is_not_read(board, rows):
    path = board / "rows" / rows[0].file_name
    with path.open("r+b") as stream:
        stream.truncate(LARGEST + 1)
    assert f"it has {LARGEST + 1} bytes, expected at most {LARGEST}" in read_with_one_left_out(board)[1]


def accepted(path, row):
    """Return whether a file is read as a row; one that is must be the same row."""
    try:
        found = read_row(path)
    except StoreError:
        return False
    assert found == row
    return True


def damages(content, random):
    """Yield a content with one byte changed, left out, put in; cut off; and repeated."""
    for place in random.choices(range(len(content)), k=400):
        yield content[:place] + bytes([content[place] ^ 1 << random.randrange(8)]) + content[place + 1 :]
    for place in random.choices(range(len(content)), k=50):
        yield content[:place] + content[place + 1 :]
        yield content[:place] + random.randbytes(1) + content[place:]
        yield content[:place]
        yield content + content[place:]


@pytest.fixture
def scored(rows, tmp_path):
    """A row with its predictions, and its file."""
    predictions = (tmp_path / "rows" / rows[0].file_name).with_suffix(".npz")
    predictions.parent.mkdir(parents=True)
    np.savez_compressed(predictions, predictions=np.arange(60.0), targets=np.arange(60))
    row = dataclasses.replace(rows[0], predictions_sha256=file_sha256(predictions), reason="A remark.")
    return row, write_row(tmp_path, row)


def test_no_damage_to_a_row_changes_what_is_read(scored):
    row, path = scored
    content = path.read_bytes()
    counts = Counter()
    for damage in damages(content, Random(0)):
        path.write_bytes(damage)
        counts[accepted(path, row)] += 1
    assert counts[False] > 0.75 * counts.total()  # the others are white space that means nothing


def test_a_row_whose_predictions_are_damaged_is_left_out(scored):
    row, path = scored
    predictions = path.with_suffix(".npz")
    content = predictions.read_bytes()
    assert accepted(path, row)
    for damage in [*damages(content, Random(0))][-400:]:
        if damage != content:
            predictions.write_bytes(damage)
            assert not accepted(path, row)
    predictions.unlink()
    assert accepted(path, row)


def test_a_latency_that_its_single_values_do_not_have_is_left_out(board, rows):
    raw = [0.5 + number / 1000 for number in range(100)]
    (board / "latency").mkdir()
    (board / "latency" / "abc.json").write_text(json.dumps({"raw_ms": raw, "p50_ms": 0.25}))
    changed(board, rows[0], latency="abc", p50_ms=0.25)
    seeds, warning = read_with_one_left_out(board)
    assert (seeds, "computed from the single values in abc.json" in warning or "as in abc.json" in warning) == (
        [1],
        True,
    )


def test_the_fault_of_damaged_predictions_is_named(scored, tmp_path):
    _, path = scored
    path.with_suffix(".npz").write_bytes(b"others")
    seeds, warning = read_with_one_left_out(tmp_path)
    assert (seeds, f'"{path.stem}.npz" does not hold the predictions that were scored' in warning) == ([], True)


def test_rows_that_have_not_changed_are_not_read_again(board, rows, monkeypatch):
    monkeypatch.setattr(row_files, "SETTLED", 0)
    known = {}
    first = list(read_rows(board, known))
    path = changed(board, rows[1], score_high=0.9)
    again = list(read_rows(board, known))
    assert (again[0] is first[0], again[1].score_high) == (True, 0.9)
    path.write_bytes(b"{")
    with pytest.warns(UserWarning, match="cannot be read"):
        assert list(read_rows(board, known)) == again[:1]


def test_a_row_that_has_changed_a_moment_ago_is_read_again(board):
    """A second change within the same tick of the clock would leave the same times."""
    known = {}
    list(read_rows(board, known))
    assert known == {}


def test_a_row_that_was_written_without_a_digest_is_read(board, rows):
    changed(board, rows[0])
    assert list(read_rows(board)) == rows
