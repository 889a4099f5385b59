from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import jsonschema
import pytest
from support import comparable, install, run_python

from tlbench.cli import app
from tlbench.results.schema import row_schema

LIGHT = """
import json, sys
from tlbench.cli import main
sys.argv = ["tlbench", *sys.argv[1:]]
status = 0
try:
    main()
except SystemExit as stop:
    status = stop.code or 0
heavy = {"torch", "onnx", "onnxruntime", "sklearn", "rich", "pydantic"} & set(sys.modules)
print(json.dumps([status, sorted(heavy)]), file=sys.stderr)
"""


RUN = ("run", "--task", "toy/blobs", "--strategy", "finetune", "--seeds", "2")


def test_help_names_every_command(tlbench):
    status, output, _ = tlbench("--help")
    assert status == 0
    assert all(name in output for name in app.COMMANDS)


def test_every_command_explains_itself(tlbench):
    for name in app.COMMANDS:
        status, output, _ = tlbench(name, "--help")
        assert (status, output.startswith(f"Usage: tlbench {name}")) == (0, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rum",), '"run"'),
        (("run", "--taks", "toy/blobs"), "Did you mean"),
        (("run", "--task", "toy/blob"), '"toy/blobs"'),
        (("run", "--task", "toy/blobs", "--strategy", "finetun"), '"finetune"'),
        (("run", "--task", "toy/blobs", "--set", "finetune.step=3"), '"finetune.steps"'),
        (("run", "--task", "toy/blobs", "--set", "finetune.steps=many"), "whole number"),
        (("run", "--task", "toy/blobs", "--set", "steps"), "OWNER.NAME=VALUE"),
        (("run", "--task", "toy/blobs", "--seeds", "some"), "Invalid seeds"),
        (("run", "--task", "toy/blobs", "--seeds", "0"), "Invalid seeds"),
        (("run", "--suite", "embeded"), '"embedded"'),
        (("run", "--task", "vision/mnist-optdigits"), "TLBENCH_DATA"),
        (
            ("run", "--task", "nlp/ner-wikipedia-social", "--set", "task.source=nowhere"),
            "task.source",
        ),
        (("leaderboard",), "No results"),
    ],
)
def test_a_request_that_cannot_be_carried_out_ends_with_one_sentence_and_status_2(tlbench, words, message):
    status, _, errors = tlbench(*words)
    assert (status, message in errors, "Traceback" in errors) == (2, True, False), errors


def test_list_shows_what_plugins_bring(tlbench):
    status, output, _ = tlbench("list")
    assert status == 0
    assert all(name in output for name in ("toy/blobs", "vision/digits", "image/resnet-small", "adversarial"))
    listed = json.loads(tlbench("list", "--json")[1])
    assert "toy/blobs" in {task["task"] for task in listed["tasks"]}


def test_strategies_are_listed_below_the_plugin_that_brings_them(tlbench):
    lines = tlbench("list")[1].splitlines()
    start = lines.index("few_labels:")
    end = next(place for place in range(start + 1, len(lines)) if lines[place].endswith(":"))
    members = [line.split()[0] for line in lines[start + 1 : end]]
    assert "mean-teacher" in members
    assert members == sorted(members)
    assert "finetune" not in members
    listed = [spec["strategy"] for spec in json.loads(tlbench("list", "--json")[1])["strategies"]]
    assert all(sum(line.startswith(f"  {name} ") for line in lines) == 1 for name in listed)


def test_a_broken_plugin_is_listed_with_its_cause_and_strict_makes_it_fatal(tlbench, site):
    install(site, "tlbench-broken", {"broken": "absent_import"})
    status, output, errors = tlbench("plugins")
    assert (status, "toy" in output, "broken (tlbench-broken 1.0): load: " in errors) == (0, True, True)
    assert tlbench("plugins", "--strict")[0] == 1
    problems = json.loads(tlbench("plugins", "--json")[1])["problems"]
    assert [problem["origin"]["distribution"] for problem in problems] == ["tlbench-broken"]


def test_plugins_shows_the_edition_of_the_plugin_api_that_each_declares(tlbench, site):
    install(site, "tlbench-stranger", {"stranger": "strangers_l2sp"})
    listed = json.loads(tlbench("plugins", "--json")[1])["plugins"]
    editions = {plugin["entry_point"]: plugin["api"] for plugin in listed}
    assert editions.pop("stranger") is None
    assert set(editions.values()) == {2}
    assert tlbench("plugins")[1].splitlines()[0].split() == ["entry_point", "distribution", "version", "API"]


def test_a_run_writes_rows_and_boards_and_the_next_computes_nothing(tlbench):
    status, output, errors = tlbench(*RUN)
    assert (status, "failed" in errors) == (0, False)
    assert "results: 12 ok, 0 failed, 0 skipped" in output
    before = {path: path.read_bytes() for path in Path("leaderboards/local").rglob("*") if path.is_file()}
    assert {path.name for path in before} >= {"README.md", "toy.md", "toy.csv"}
    advice = tlbench("advise", "toy/blobs")
    assert (advice[0], advice[1].splitlines()[0]) == (0, "toy/blobs, toy/mlp: which strategy?")
    assert f"\n\n{advice[1]}\nresults: " in output
    status, output, _ = tlbench(*RUN)
    assert (status, "\n0 stages computed, " in output) == (0, True)
    assert {path: path.read_bytes() for path in Path("leaderboards/local").rglob("*") if path.is_file()} == before


def test_json_rows_follow_the_published_schema(tlbench):
    report = json.loads(tlbench(*RUN, "--json")[1])
    assert {row["strategy"] for row in report["rows"]} == {
        "finetune",
        "constant",
        "source-only",
        "scratch",
        "all-labels",
        "classical",
    }
    for row in report["rows"]:
        jsonschema.validate(row, row_schema())
    for path in Path("leaderboards/local/rows").glob("*/*.json"):
        jsonschema.validate(json.loads(path.read_text()), row_schema())
        assert path.with_suffix(".npz").is_file()


def test_a_failed_pairing_leaves_a_row_and_status_1(tlbench):
    run_request = (
        "run",
        "--task",
        "toy/blobs",
        "--strategy",
        "finetune",
        "--seeds",
        "2",
        "--set",
        "finetune.learning_rate=1e30",
    )
    status, output, _ = tlbench(*run_request)
    assert (status, "failed in adapt: finetune, seeds 0, 1: " in output) == (1, True)
    assert "- (1) finetune, seeds 0, 1: failed in adapt." in Path("leaderboards/local/toy.md").read_text()


@pytest.mark.parametrize(("rate", "runs"), [("0.01", True), ("1e30", False)])
def test_a_quick_run_says_that_everything_runs_only_if_nothing_failed(tlbench, rate, runs):
    words = ("run", "--task", "toy/blobs", "--strategy", "finetune", "--references", "none", "--quick")
    status, output, _ = tlbench(*words, "--set", f"finetune.learning_rate={rate}")
    said = " ".join(output.split())
    assert "--quick is a check, by default with one seed" in said
    assert (status, "it shows that everything runs" in said) == (1 - runs, runs)


def test_a_dry_run_shows_the_plan_and_runs_nothing(tlbench):
    status, output, _ = tlbench("run", "--task", "toy/shapes", "--seeds", "1", "--dry-run")
    assert (status, Path("leaderboards").exists()) == (0, False)
    assert "transductive" in output
    plan = json.loads(tlbench("run", "--task", "toy/shapes", "--seeds", "1", "--dry-run", "--json")[1])
    assert {line["strategy"] for line in plan if line["reason to skip"]} == {"adversarial", "adabn", "source-only"}


def test_leaderboard_renders_the_same_bytes_again(tlbench):
    tlbench(*RUN)
    before = {path: path.read_bytes() for path in Path("leaderboards/local").glob("*.*")}
    status, output, _ = tlbench("leaderboard")
    assert (status, "leaderboards/local/README.md" in output) == (0, True)
    assert {path: path.read_bytes() for path in Path("leaderboards/local").glob("*.*")} == before
    entries = json.loads(tlbench("leaderboard", "--json")[1])
    assert {entry["seeds"] for entry in entries} == {2}


def test_a_damaged_row_is_named_and_the_board_has_the_others(tlbench):
    tlbench(*RUN)
    path = next(Path("leaderboards/local/rows/toy").glob("*.json"))
    path.write_text("{")
    with pytest.warns(UserWarning, match=f"{path.name}.* It is left out"):
        status, output, _ = tlbench("leaderboard")
    assert (status, "leaderboards/local/README.md" in output) == (0, True)
    assert "11 ok" in Path("leaderboards/local/README.md").read_text()
    with pytest.warns(UserWarning, match=path.name):
        assert tlbench("run", *RUN[1:3], "--strategy", "frozen", "--seeds", "1")[0] == 0


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_results_of_one_s_own_leave_a_clone_clean(tlbench, tmp_path):
    """A clone as tlbench's own: published boards are committed, and its .gitignore says what is not."""
    ignored = Path(__file__).parents[2] / ".gitignore"
    if not ignored.is_file():
        pytest.skip("no .gitignore beside the tests: they run on an sdist alone")
    shutil.copy(ignored, tmp_path)
    published = tmp_path / "leaderboards" / "README.md"
    published.parent.mkdir()
    published.write_text("published")
    for words in ("init --quiet", "add .", "-c user.name=me -c user.email=me@localhost commit --quiet -m boards"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    assert tlbench(*RUN)[0] == 0
    assert tlbench("leaderboard", "--plots")[0] == 0
    assert (tmp_path / "leaderboards/local/plots/overview.svg").is_file()
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    assert subprocess.run(status, cwd=tmp_path, capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.parametrize(
    "words", [("--help",), ("list",), ("show", "toy/blobs"), ("plugins",), ("run", "--dry-run"), ("run", "--help")]
)
def test_what_computes_nothing_loads_nothing_heavy(words, toy_site, session_cache):
    done = run_python(LIGHT, *words, site=toy_site, TLBENCH_CACHE=str(session_cache))
    assert json.loads(done.stderr.splitlines()[-1]) == [0, []]


def test_a_finished_plan_and_its_boards_load_nothing_heavy(tlbench, toy_site, session_cache, tmp_path):
    tlbench(*RUN)
    for words in (RUN, ("leaderboard",), ("advise",)):
        board = ("--board", str(tmp_path / "leaderboards/local"))
        done = run_python(LIGHT, *words, *board, site=toy_site, TLBENCH_CACHE=str(session_cache))
        assert json.loads(done.stderr.splitlines()[-1]) == [0, []]


def test_the_same_rows_come_from_another_cache(tlbench, monkeypatch, tmp_path):
    rows = []
    for name in ("one", "other"):
        monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path / name))
        report = json.loads(tlbench(*RUN, "--json")[1])
        rows.append([comparable(row) for row in report["rows"]])
    assert rows[0] == rows[1]


def test_a_call_in_process_restores_signal_handlers_warnings_and_streams(tlbench):
    def state():
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        return [*handlers, warnings.formatwarning, sys.stdout.errors, sys.stderr.errors]

    before = state()
    for words in (("--help",), ("rum",), ("plugins",)):
        tlbench(*words)
        assert state() == before
