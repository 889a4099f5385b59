"""`tlbench merge`: a union of boards, with what belongs to each result; contradictions are named."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest

from tlbench.results.files import PNG
from tlbench.results.row import write_row
from tlbench.results.row_files import parsed, row_paths

RUN = ("run", "--task", "toy/blobs", "--strategy", "finetune", "--references", "none")


@pytest.fixture
def boards(tlbench, tmp_path):
    assert tlbench(*RUN, "--seeds", "0-0", "--board", "one")[0] == 0
    assert tlbench(*RUN, "--seeds", "2", "--board", "two")[0] == 0
    return tmp_path / "one", tmp_path / "two"


def test_results_come_with_what_belongs_to_them_and_no_file_comes_twice(tlbench, boards, tmp_path):
    status, output, _ = tlbench("merge", "one", "two", "--board", "all")
    assert (status, output) == (0, "2 results added, 1 there already, 0 contradict those of all, 0 left out\n")
    assert len(row_paths(tmp_path / "all")) == 2
    assert tlbench("verify", "all") == (0, "2 results verified, 0 without predictions, 0 wrong\n", "")
    assert (tmp_path / "all/toy.md").is_file()
    before = {path: path.read_bytes() for path in sorted((tmp_path / "all").rglob("*.*"))}
    assert tlbench("merge", "two", "one", "--board", "all")[0] == 0
    assert before == {path: path.read_bytes() for path in sorted((tmp_path / "all").rglob("*.*"))}


def test_a_result_with_other_numbers_is_named_and_not_taken(tlbench, boards, tmp_path):
    one, _ = boards
    (path,) = row_paths(one)
    row = parsed(path)
    other = dataclasses.replace(row, a_distance=0.125, created="2026-01-01T00:00:00+00:00", transfer_gain=None)
    write_row(one, other)
    status, output, _ = tlbench("merge", "one", "--board", "two")
    assert status == 1
    assert f'contradiction: toy/{path.name}: "one" has another a_distance; not taken' in output
    assert parsed(tmp_path / "two/rows/toy" / path.name).a_distance == row.a_distance
    status, output, _ = tlbench("merge", "one", "--board", "two", "--json")
    assert json.loads(output)["contradictions"] == [
        {"file": f"toy/{path.name}", "board": "one", "fields": ["a_distance"], "known": f"toy/{path.name}"}
    ]


def test_a_file_beside_a_result_is_never_overwritten(tlbench, boards, tmp_path):
    (path,) = row_paths(boards[0])
    kept = tmp_path / f"new/latency/{parsed(path).latency}.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("something else")
    status, output, _ = tlbench("merge", "one", "--board", "new")
    assert (status, f"another latency/{kept.name}; not taken" in output) == (1, True)
    assert kept.read_text() == "something else"
    assert not row_paths(tmp_path / "new")


def test_a_damaged_result_on_the_board_stops_no_other(tlbench, boards):
    one, two = boards
    damaged = two / "rows/toy" / row_paths(one)[0].name
    damaged.write_text("{")
    status, output, _ = tlbench("merge", "one", "--board", "two")
    assert (status, "cannot be read; not taken" in output) == (1, True)
    assert damaged.read_text() == "{"


@pytest.mark.parametrize(("words", "says"), [(("nowhere",), "No results"), (("one",), "name another with --board")])
def test_a_folder_without_results_and_the_board_itself_are_refused(tlbench, boards, words, says):
    status, _, errors = tlbench("merge", *words, "--board", "one")
    assert (status, says in errors) == (2, True)


def test_a_link_on_another_board_is_not_followed(tlbench, boards, tmp_path):
    one, _ = boards
    (path,) = row_paths(one)
    places = [path.with_suffix(".npz"), one / f"latency/{parsed(path).latency}.json", one / "latency"]
    for number, place in enumerate(places):
        theirs = tmp_path / f"theirs{number}"
        shutil.copytree(one, theirs)
        linked = theirs / place.relative_to(one)
        linked.rename(tmp_path / f"elsewhere{number}")
        linked.symlink_to(tmp_path / f"elsewhere{number}")
        with pytest.warns(UserWarning, match="is a link or no regular file: its result is left out"):
            status, output, _ = tlbench("merge", theirs.name, "two", "--board", f"all{number}")
        assert (status, output.splitlines()[-1].endswith(", 1 left out")) == (1, True)
    taken = [part for board in tmp_path.glob("all*") for part in board.rglob("*")]
    assert taken
    assert not any(part.is_symlink() for part in taken)


def test_predictions_without_a_hash_and_pictures_that_belong_to_no_analysis_are_not_taken(tlbench, boards, tmp_path):
    one, _ = boards
    (path,) = row_paths(one)
    row = dataclasses.replace(parsed(path), predictions_sha256=None, predictions_bytes=None)
    write_row(one, dataclasses.replace(row, analyses={"mine": {"size": 1.0}, "text": {"size": 1.0}}))
    pictures = one / "analyses/toy"
    pictures.mkdir(parents=True)
    for ending, content in (("mine", PNG), ("text", b"a secret"), ("other", PNG)):
        (pictures / f"{path.stem}-{ending}.png").write_bytes(content)
    assert tlbench("merge", "one", "--board", "all")[0] == 0
    assert [found.name for found in (tmp_path / "all").rglob("*.png")] == [f"{path.stem}-mine.png"]
    assert path.with_suffix(".npz").exists()
    assert not list((tmp_path / "all").rglob("*.npz"))


def test_results_that_cannot_be_read_are_counted(tlbench, boards):
    one, _ = boards
    damaged = row_paths(one)[0].with_name("damaged.json")
    damaged.write_text("{")
    status, output, _ = tlbench("merge", "one", "--board", "all")
    assert (status, "1 results added" in output, output.endswith(", 1 left out\n")) == (1, True, True)
    status, output, _ = tlbench("merge", "one", "--board", "all", "--json")
    assert (status, json.loads(output)["left_out"]) == (1, ["one/rows/toy/damaged.json"])
