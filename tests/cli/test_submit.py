"""`tlbench submit`: a stranger's results, from the run to the board that they join, and what is refused on the way."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import sys

import pytest

from tlbench.results.row import write_row
from tlbench.results.row_files import parsed, row_paths

PLUGIN = """
from tlbench import Access, StrategySpec, hookimpl, training_options

TLBENCH_API = 2


def adapt(request):
    request.fit(request.model, request.target.train, modules=[request.model.heads["target"]])
    return request.model


@hookimpl
def tlbench_strategies():
    return [
        StrategySpec(
            name="my-head",
            title="A head of mine",
            summary="Trains the target head.",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=False,
            recipe="head",
            options=training_options(steps=20, learning_rate=1e-3),
            adapt=adapt,
        )
    ]
"""
RUN = ("run", "--task", "toy/blobs", "--references", "none", "--set", "source.steps=20", "--seeds", "1")


@pytest.fixture
def board(tlbench, tmp_path, monkeypatch):
    """The results of somebody's strategy, of a clean commit."""
    monkeypatch.setattr("tlbench.planning.fingerprints.commit", lambda: ("a" * 40, False))
    monkeypatch.setattr("platform.node", lambda: "somebodys-laptop")
    (tmp_path / "mine.py").write_text(PLUGIN)
    monkeypatch.setitem(sys.modules, "mine", None)  # So that what the run imports is gone afterwards.
    del sys.modules["mine"]
    words = ("--strategy", "my-head", "--plugin", "mine.py", "--board", "mine")
    assert tlbench(*RUN, *words, "--set", "strategy.steps=20")[0] == 0
    return tmp_path / "mine"


@pytest.fixture
def submission(tlbench, board, tmp_path):
    status, output, _ = tlbench("submit", "mine", "-o", "submissions/my-head", "--plugin", "mine.py")
    assert (status, output.startswith("1 results in submissions/my-head")) == (0, True)
    return tmp_path / "submissions/my-head"


def check(tlbench, *words):
    return tlbench("submit", "--check", "submissions/my-head", "--board", "board", "--plugin", "mine.py", *words)


def sealed(submission):
    """Write the checksums anew, as a forger would."""
    paths = sorted(path for path in submission.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(submission)}\n" for path in paths]
    (submission / "SHA256SUMS").write_text("".join(lines))


def test_a_strangers_results_go_all_the_way_to_a_board(tlbench, submission, tmp_path):
    assert {path.name for path in submission.iterdir()} == {
        *("rows", "latency", "SUMMARY.md", "environment.json", "SHA256SUMS")
    }
    summary = (submission / "SUMMARY.md").read_text()
    assert all(text in summary for text in ("my-head", "toy/blobs", "aaaaaaaaaaaa", "1 verified", "accuracy 0."))
    environment = json.loads((submission / "environment.json").read_text())
    assert environment["commits"] == [{"commit": "a" * 40, "dirty": False}]
    everything = "".join(path.read_bytes().decode(errors="replace") for path in submission.rglob("*.*"))
    assert str(tmp_path) not in everything
    assert "somebodys-laptop" not in everything
    words = ("--strategy", "finetune", "--board", "board", "--set", "strategy.steps=20")
    assert tlbench(*RUN, *words)[0] == 0
    before = (tmp_path / "board/toy.md").read_text()
    status, output, _ = check(tlbench)
    assert status == 0
    assert "1 results are new, 0 are there already." in output
    assert re.search(r"toy/blobs\s+\| toy/mlp\s+\| my-head \(new\)", output)
    assert (tmp_path / "board/toy.md").read_text() == before
    assert tlbench("merge", "submissions/my-head", "--board", "board")[0] == 0
    assert "my-head" in (tmp_path / "board/toy.md").read_text()
    assert tlbench("verify", "board", "--plugin", "mine.py")[0] == 0
    assert "0 results are new, 1 are there already." in check(tlbench)[1]


def test_results_of_a_plugin_that_is_not_installed_are_not_verifiable(tlbench, submission):
    status, output, _ = tlbench("submit", "--check", "submissions/my-head", "--board", "board")
    assert status == 3
    assert "the strategy my-head is not installed" in output
    assert "Plugins that are not installed here" in output


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"dirty": True}, "dirty"),
        ({"files": "0123"}, "files"),
        ({"weights": "/home/me/model.safetensors"}, "weights"),
        ({"device_name": "CPU of somebodys-laptop"}, "device_name"),
        ({"plugins": {"task": r"toy of C:\\Users\\me\\toy"}}, "plugins.task"),
        ({"score": 0.987654}, "score"),
    ],
)
def test_what_should_not_be_public_or_is_wrong_is_refused(tlbench, board, tmp_path, fields, field):
    (path,) = row_paths(board)
    row = dataclasses.replace(parsed(path), **fields)
    write_row(board, row)
    status, output, _ = tlbench("submit", "mine", "-o", "out", "--plugin", "mine.py")
    assert (status, f"{path.name}: {field} is" in output) == (1, True)
    assert not (tmp_path / "out").exists()


def test_uncommitted_changes_are_allowed_by_name_and_stand_in_the_summary(tlbench, board, tmp_path):
    (path,) = row_paths(board)
    write_row(board, dataclasses.replace(parsed(path), dirty=True))
    words = ("submit", "mine", "-o", "submissions/my-head", "--plugin", "mine.py")
    assert tlbench(*words, "--allow-dirty")[0] == 0
    assert "with uncommitted changes" in (tmp_path / "submissions/my-head/SUMMARY.md").read_text()
    assert "Computed with uncommitted changes" in check(tlbench)[1]
    assert tlbench(*words, "--allow-dirty")[0] == 2  # It is there.


def test_files_that_do_not_belong_there_are_refused_before_anything_is_read(tlbench, submission, tmp_path):
    (tmp_path / "secret").write_text("secret")
    for name, says in (("rows/toy/run.sh", "a file of results"), ("reproduced.json", "a file of results")):
        (submission / name).write_text("{}")
        status, output, _ = check(tlbench)
        assert (status, says in output) == (1, True), name
        (submission / name).unlink()
    (submission / "rows/toy/link.json").symlink_to(tmp_path / "secret")
    assert "a regular file, no link" in check(tlbench)[1]
    (submission / "rows/toy/link.json").unlink()
    (submission / "analyses").symlink_to(tmp_path)
    assert "a regular file, no link" in check(tlbench)[1]
    (submission / "analyses").unlink()
    assert check(tlbench)[0] == 0
    (submission / "SUMMARY.md").write_text("All is well.")
    status, output, _ = check(tlbench)
    assert (status, "SUMMARY.md: sha256 is" in output) == (1, True)


def test_forged_scores_and_contradictions_are_named(tlbench, submission, tmp_path):
    shutil.copytree(submission, tmp_path / "board")
    (path,) = row_paths(submission)
    row = parsed(path)
    write_row(submission, dataclasses.replace(row, a_distance=0.125))
    sealed(submission)
    status, output, _ = check(tlbench)
    assert (status, "another a\\_distance" in output) == (1, True)
    write_row(submission, dataclasses.replace(row, scores={**row.scores, "macro-f1": 0.99}))
    sealed(submission)
    status, output, _ = check(tlbench)
    assert (status, "scores.macro-f1 is 0.99" in output) == (1, True)


def test_the_folder_may_be_the_one_that_somebody_is_in(tlbench, board, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert tlbench("submit", "../mine", "-o", ".", "--plugin", "../mine.py")[0] == 0
    assert (tmp_path / "empty/SUMMARY.md").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("submit", "mine"), "-o submissions/NAME"),
        (("submit", "nowhere", "-o", "out"), "No results"),
        (("submit", "mine", "-o", "out", "--name", "<b>"), "Invalid name"),
        (("submit", "--check", "mine", "-o", "out"), "as it is"),
    ],
)
def test_invalid_requests_say_what_is_missing(tlbench, board, words, says):
    status, _, errors = tlbench(*words)
    assert (status, says in errors) == (2, True)
