from __future__ import annotations

import json
import math
import shutil

import pytest
from support import plan_only

from tlbench.contract import kind_specs as kindspecs
from tlbench.contract.specs import DomainSpec, KindSpec, StrategySpec, TaskSpec
from tlbench.errors import StoreError
from tlbench.planning.catalog import NAMES
from tlbench.results.row import Row, write_row
from tlbench.results.row_checks import NAMES as ROW_NAMES
from tlbench.results.row_files import read_row, read_rows
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
    """Write values into a row's file as they are; return the file."""
    path = board / "rows" / row.file_name
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
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


def test_text_with_half_a_character_is_left_out_for_it_cannot_be_written(board, rows):
    changed(board, rows[0], reason="\ud800")
    seeds, warning = read_with_one_left_out(board)
    assert (seeds, r"can't encode character '\ud800'" in warning) == ([1], True)


def test_a_readme_is_no_domain(board, rows):
    changed(board, rows[0], domain="README", task="README/blobs")
    assert "README.md is the page over all domains" in read_with_one_left_out(board)[1]


@pytest.mark.parametrize("values", [{"score": 1, "score_high": 1}, {"score": 1 + 1e-12, "score_high": 1.0000001}])
def test_whole_numbers_and_rounding_are_no_faults(board, rows, values):
    changed(board, rows[0], **values)
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
