"""Options from `tlbench.toml`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from tlbench.cli.config import LARGEST, Config, line_of
from tlbench.cli.configured import _settings_of_run
from tlbench.cli.settings import parse_seeds

TOY = '[run]\ntask = "toy/blobs"\nstrategies = ["finetune"]\nreferences = "none"\nseeds = [7]\n'
DRY = ("run", "--dry-run", "--json")


@pytest.fixture
def plan(tlbench):
    """Return the plan of a run with these words, as a list of (task, strategy, seed), and what was printed beside."""

    def planned(*words: str) -> tuple[list[tuple[str, str, int]], str]:
        status, output, errors = tlbench(*DRY, *words)
        assert status == 0, errors
        return [(line["task"], line["strategy"], line["seed"]) for line in json.loads(output)], errors

    return planned


def test_a_run_needs_no_options_and_says_which_file_it_read(plan, tmp_path):
    (tmp_path / "tlbench.toml").write_text(TOY)
    jobs, errors = plan()
    assert jobs == [("toy/blobs", "finetune", 7)]
    assert errors == f'Options from "{tmp_path / "tlbench.toml"}".\n'
    assert plan("-q")[1] == ""


def test_the_command_line_wins(plan, tmp_path):
    (tmp_path / "tlbench.toml").write_text(TOY + "quiet = true\n[run.set]\nfinetune.steps = 3\n")
    jobs, errors = plan("--strategy", "frozen", "--seeds", "1", "--set", "finetune.steps=5", "--strategy", "finetune")
    assert sorted(jobs) == [("toy/blobs", "finetune", 0), ("toy/blobs", "frozen", 0)]
    assert errors == ""
    assert plan("--verbose")[1] != ""


def test_what_the_command_line_replaces_takes_its_settings_along(plan, tmp_path):
    settings = '[run.set]\n"task.noise" = 2\n"finetune.steps" = 3\n"adversarial.steps" = 4\n'
    (tmp_path / "tlbench.toml").write_text(TOY.replace('"finetune"', '"finetune", "adversarial"') + settings)
    assert " without " not in plan()[1]
    assert "without adversarial.steps:" in plan("--strategy", "finetune")[1]
    jobs, errors = plan("--task", "toy/shapes", "--strategy", "finetune")
    assert jobs == [("toy/shapes", "finetune", 7)]
    assert "without task.noise, adversarial.steps:" in errors
    (tmp_path / "mine.toml").write_text('tasks = ["toy/shapes"]')
    jobs, errors = plan("--suite", "mine.toml", "--strategy", "finetune")
    assert ({task for task, *_ in jobs}, "without task.noise" in errors) == ({"toy/shapes"}, True)


@pytest.mark.parametrize(
    ("seeds", "expected"), [("2", [0, 1]), ('"3-4"', [3, 4]), ("[9]", [9]), ("[9, 2]", [9, 2]), ('"7,9"', [7, 9])]
)
def test_seeds_are_a_number_a_range_or_a_list(plan, tmp_path, seeds, expected):
    (tmp_path / "tlbench.toml").write_text(TOY.replace("[7]", seeds))
    assert [seed for *_, seed in plan()[0]] == expected


def test_options_have_the_names_of_the_command_or_the_plural(plan, tmp_path):
    for names in ("label-budget = 30", "label_budgets = [30]", 'label_budgets = "30"'):
        (tmp_path / "tlbench.toml").write_text(TOY + names)
        assert len(plan()[0]) == 1


def test_settings_are_those_of_the_command(tlbench, tmp_path):
    for settings in (
        '[run.set]\n"finetune.steps" = 0',
        "[run.set]\nfinetune.steps = -1",
        "set.finetune = {steps = -1}",
    ):
        (tmp_path / "tlbench.toml").write_text(f"{TOY}{settings}\n")
        status, _, errors = tlbench(*DRY)
        assert (status, '"steps": use 0 or more' in errors) == ((2, True) if "-1" in settings else (0, False))


def test_the_nearest_file_above_counts_and_the_search_ends_at_home(plan, tmp_path, monkeypatch):
    home = tmp_path / "home"
    below = home / "project" / "data" / "new"
    below.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (tmp_path / "tlbench.toml").write_text("this is not read")
    monkeypatch.chdir(below)
    assert plan("--task", "toy/blobs")[1] == ""
    for folder, seed in ((home, 1), (home / "project", 2)):
        (folder / "tlbench.toml").write_text(TOY.replace("7", str(seed)))
        jobs, errors = plan()
        assert (jobs[0][-1], str(folder / "tlbench.toml") in errors) == (seed, True)


def test_paths_are_relative_to_the_file(tlbench, tmp_path, monkeypatch):
    (tmp_path / "tlbench.toml").write_text(
        '[run]\ntask = "vision/image-folder"\nboard = "my/board"\n[run.set]\n"task.target" = "photos"\n'
    )
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    photos = f'"{tmp_path / "photos"}"'
    assert photos in tlbench(*DRY)[2]
    status, output, errors = tlbench("inspect")
    assert (status, photos in output, "Options from" in errors) == (2, True, True)
    (tmp_path / "tlbench.toml").write_text(
        '[run]\ntask = "vision/image-folder"\n[run.set]\n"task.target" = "../photos/./x"\n'
    )
    assert f'"{tmp_path.parent / "photos" / "x"}"' in tlbench(*DRY)[2], "without .. in it"
    (tmp_path / "tlbench.toml").write_text('[run]\ntask = "vision/image-folder"\nboard = "my/board"\n')
    other = {"leaderboard": ("--board", "other"), "status": ("--board", "other"), "verify": ("other",)}
    for command in other:
        assert f'"{tmp_path / "my/board"}' in "".join(tlbench(command)[1:])
        assert f'"{tmp_path / "my/board"}' not in "".join(tlbench(command, *other[command])[1:])


def test_the_file_that_the_readme_shows_is_valid(tlbench, tmp_path):
    readme = Path(__file__).parents[2] / "README.md"
    (text,) = re.findall(r"```toml\n(.*?)```", readme.read_text(), re.DOTALL)
    (tmp_path / "tlbench.toml").write_text(text)
    # All but the photos is there.
    assert f'"{tmp_path / "photos"}"' in tlbench(*DRY)[2]


def test_inspect_takes_the_settings_of_its_own_task():
    config = Config(
        Path("/p/tlbench.toml"), "", {"run": {"task": "a/b", "set": {"task.x": 1, "a/b.y": 2, "finetune.steps": 3}}}
    )
    assert _settings_of_run(config, "inspect", {"task": "a/b"}) == {"task.x": 1, "a/b.y": 2}
    assert _settings_of_run(config, "inspect", {"task": "a/c"}) == {}


@pytest.mark.parametrize(
    ("text", "line", "named"),
    [
        ('[run]\ntaks = "x"', 2, '"task"'),
        ("run = {\n taks = 1}", 1, ""),
        ('[rum]\ntask = "x"', 1, '"run"'),
        ('\ntask = "x"', 2, "[run]"),
        ("[run]\nseeds = true", 2, "a number (3)"),
        ('[run]\n\n\nseeds = ["a"]', 4, "a number (3)"),
        ('[run]\nseeds = "5-3"', 2, "Invalid seeds"),
        ('[run]\nthreads = "2"', 2, "a whole number"),
        ("[run]\nthreads = true", 2, "a whole number"),
        ("[run]\nthreads = 0", 2, "range"),
        ('[run]\ndevice = "gpu"', 2, "cuda"),
        ('[run]\nquick = "yes"', 2, "true or false"),
        ("[run]\nboard = 5", 2, "a path"),
        ("[run]\nstrategies = [\n 'a',\n 5,\n]", 2, "a text"),
        ('[run]\nstrategy = "a"\nstrategies = ["b"]', 3, "the same option"),
        ("[run]\nset = 5", 2, "[run.set]"),
        ("[run.set]\nsteps = 5", 2, "finetune.steps"),
        ('[run.set]\n"task.target" = ["a"]', 2, "a text"),
        ('[run.set]\n"a.b" = 1\na.b = 2', 3, "twice"),
        ('[run.set]\n"task.target" = "a\\u0000"', 2, "a text"),
        ("[run]\ntask = ", 2, "Invalid TOML"),
        ("[run]\n\ntask = [", 3, "Invalid TOML"),
        ("[leaderboard.set]\n'a.b' = 1", 1, '"set"'),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_its_line(tlbench, tmp_path, text, line, named):
    (tmp_path / "tlbench.toml").write_text(text)
    status, _, errors = tlbench("leaderboard" if "leaderboard" in text else "run", "--json")
    assert (status, errors.count("\n"), "Traceback" in errors) == (2, 1, False)
    assert f'"{tmp_path / "tlbench.toml"}", line {line}' in errors
    assert named in errors


@pytest.mark.parametrize("name", ["plugin", "plugins", "address", "log-file", "log_file"])
def test_a_file_brings_no_code_along(tlbench, tmp_path, name):
    (tmp_path / "evil.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    (tmp_path / "tlbench.toml").write_text(f'{TOY}{name} = "evil.py"\n')
    status, _, errors = tlbench(*DRY)
    assert (status, "line 6" in errors, Path("ran").exists()) == (2, True, False)
    assert "command line" in errors


@pytest.mark.parametrize("data", [b"\xff", b"#" * (LARGEST + 1), b"[run]\njobs = " + b"9" * 5000])
def test_a_file_that_cannot_be_read_is_one_sentence(tlbench, tmp_path, data):
    (tmp_path / "tlbench.toml").write_bytes(data)
    status, _, errors = tlbench(*DRY)
    assert (status, errors.count("\n"), "tlbench.toml" in errors) == (2, 1, True)


def test_help_needs_no_valid_file(tlbench, tmp_path):
    (tmp_path / "tlbench.toml").write_text("[run")
    for command in ("run", "inspect", "leaderboard", "status"):
        assert tlbench(command, "--help")[0] == 0


def test_the_line_of_a_key_is_where_its_statement_begins():
    text = '# a.b\n[run]\nx = """\n[run.set]\n"a.b" = 1\n"""\n[run.set]\n"a.b" = [\n 1,\n]\n'
    assert line_of(text, ("run", "set", "a.b")) == 8
    assert line_of('[run]\n"\\u0061" = 1', ("run", "a")) is None


@pytest.mark.parametrize("text", ["5-3", "0", "-1", "7,-1", "1-2-3", "9" * 30, "0-" + "9" * 30, "7,", "a", "1000"])
def test_seeds_that_are_none_are_refused(text):
    with pytest.raises(click.BadParameter, match="Invalid seeds"):
        parse_seeds(None, None, text)
