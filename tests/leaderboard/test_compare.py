"""`tlbench compare` and `tlbench.compare` on small boards."""

from __future__ import annotations

import dataclasses
import functools
import json

import numpy as np
import pytest
from support import run_python

import tlbench
from tlbench.leaderboard.matching import TRAINING
from tlbench.results.files import file_sha256
from tlbench.results.row import write_row

OLD = {"commit": "a1b2" + "c" * 36, "dirty": False, "versions": {"torch": "2.10.0", "numpy": "2.4.6"}}
NEW = {"commit": "a1b3" + "d" * 36, "dirty": False, "versions": {"torch": "2.11.0", "numpy": "2.4.6"}}
CLEAR, SAME = (0.80, 0.81, 0.82), (0.60, 0.61, 0.62)


@pytest.fixture
def seeds(row):
    """Make rows of a strategy, one for each score, with narrow test intervals."""

    def make(strategy, scores, **changes):
        ends = [{"score_low": score - 0.001, "score_high": score + 0.001} for score in scores]
        return [row(strategy, seed, score, **{**ends[seed], **changes}) for seed, score in enumerate(scores)]

    return make


@pytest.fixture
def board(tmp_path):
    """Write rows as a board with a name; return its folder."""

    def make(*groups, name="board"):
        for number, row in enumerate(row for group in groups for row in group):
            write_row(tmp_path / name, dataclasses.replace(row, key=f"{number:012d}"))
        return tmp_path / name

    return make


@pytest.fixture
def command(tlbench_command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return functools.partial(tlbench_command, "compare")


def test_two_strategies_are_compared_on_each_task(seeds, board):
    rows = [seeds("a", CLEAR), seeds("b", SAME), seeds("a", SAME, task="toy/other")]
    rows.append(seeds("b", (0.63, 0.60, 0.62), task="toy/other"))
    found = tlbench.compare("a", "b", board=board(*rows))
    first, second = found
    assert (first.task, first.backbone, first.strategy, first.a, first.b) == ("toy/blobs", "toy/mlp", None, "a", "b")
    assert (first.score_a, first.score_b) == (pytest.approx(0.81), pytest.approx(0.61))
    assert (first.verdict, first.seeds, first.seeds_needed) == ("worse", 3, None)
    assert (first.difference, second.difference) == (pytest.approx(-0.2), pytest.approx(0.02 / 3))
    assert second.verdict == "undecided"
    assert second.error > second.difference
    assert second.seeds_needed > 3
    assert found.counts == {"better": 0, "worse": 1, "undecided": 1, "equal": 0}
    assert found.to_json()["mean_differences"] == {"accuracy": pytest.approx((-0.2 + 0.02 / 3) / 2)}


def test_only_a_significant_regression_fails(seeds, board, command):
    folder = board(seeds("a", CLEAR), seeds("worse", SAME), seeds("tied", (0.78, 0.83, 0.80)), seeds("same", CLEAR))
    fails = ("--board", folder, "--fail-on", "regression")
    assert [command("a", other, *fails)[0] for other in ("worse", "tied", "same")] == [1, 0, 0]
    assert command("worse", "a", *fails)[0] == 0
    status, output, errors = command("a", "worse", "--board", folder)
    assert (status, "-0.200 ± 0.0" in output, errors) == (0, True, "")
    assert "B in 1 comparisons: 0 better, 1 worse, 0 undecided, 0 equal." in output
    # A path is not divided, however long the test's folder is.
    assert max(len(line) for line in output.splitlines() if str(folder) not in line) <= 80


def test_the_legend_has_the_numbers_of_the_table(seeds, board):
    found = tlbench.compare("a", "tied", board=board(seeds("a", CLEAR), seeds("tied", (0.70, 0.85, 0.75))))
    (one,) = found
    assert 3 < one.seeds_needed <= 30
    cell = f"3 of {one.seeds_needed}"
    table, legend = repr(found).split("B in 1 comparisons")
    assert cell in table
    assert f'Undecided, with the seeds: "{cell}": 3 are there, about {one.seeds_needed} would' in " ".join(
        legend.split()
    )


def test_no_number_above_thirty_seeds_is_given(seeds, board):
    found = tlbench.compare("a", "tied", board=board(seeds("a", CLEAR), seeds("tied", (0.78, 0.83, 0.80))))
    assert next(iter(found)).seeds_needed > 30
    assert "undecided  3 of > 30" in repr(found)
    assert 'Undecided, with the seeds: "> 30": no practical number would.' in " ".join(repr(found).split())


def test_label_budgets_stand_in_a_column_of_their_own(seeds, board):
    rows = [
        seeds(name, scores, label_budget=budget) for name, scores in (("a", SAME), ("b", CLEAR)) for budget in (20, 50)
    ]
    folder = board(*rows, seeds("a", SAME, label_budget=100))
    found = tlbench.compare("a", "b", board=folder)
    assert [(one.label_budget, one.a, one.b) for one in found] == [("20", "a", "b"), ("50", "a", "b")]
    assert "label_budget=" not in repr(found)
    assert "only A has a: toy/blobs toy/mlp with 100 labels" in " ".join(repr(found).split())


def test_strategies_without_labels_keep_the_budgets_that_tell_them_apart(seeds, board):
    rows = [seeds(name, SAME, label_budget=budget, access=("source",)) for name in ("a", "b") for budget in (20, 50)]
    found = tlbench.compare("a", "b", board=board(*rows))
    assert len({(one.a, one.b) for one in found}) == len(found)


def test_options_of_training_mean_the_same_in_all_strategies():
    assert tuple(option.name for option in tlbench.training_options(steps=1, learning_rate=1)) == TRAINING


def test_options_of_one_name_of_two_strategies_are_not_compared(seeds, board):
    rows = [seeds(name, SAME, strategy_options={"alpha": alpha}) for name, alpha in (("a", 0.2), ("b", 0.5))]
    folder = board(*rows, seeds("a", SAME, strategy_options={"alpha": 0.9}))
    assert {tuple(one.differs) for one in tlbench.compare("a", "b", board=folder)} == {()}
    (one,) = tlbench.compare("a (alpha=0.2)", "a (alpha=0.9)", board=folder)
    assert one.differs == {"strategy.alpha": (0.2, 0.9)}


def test_the_same_scores_are_equal_and_need_no_seeds(seeds, board):
    (found,) = compared = tlbench.compare("a", "b", board=board(seeds("a", CLEAR), seeds("b", CLEAR)))
    assert (found.verdict, found.difference, found.seeds_needed) == ("equal", 0.0, None)
    assert "toy/blobs" not in repr(compared), "only counted"


def test_one_seed_decides_nothing(seeds, board, command):
    folder = board(seeds("a", (0.9,)), seeds("b", (0.1,)))
    status, output, _ = command("a", "b", "--board", folder, "--json", "--fail-on", "regression")
    (found,) = json.loads(output)["compared"]
    assert (status, found["verdict"], found["error"], found["seeds_needed"]) == (0, "undecided", None, 2)


def test_backbones_are_compared_although_each_prepares_the_data(seeds, board, command):
    rows = [
        seeds("finetune", scores, backbone=f"toy/{name}", data_sha256=name * 32, p50_ms=latency)
        for name, scores, latency in (("a", SAME, 0.5), ("b", CLEAR, 0.75))
    ]
    folder = board(*rows, seeds("frozen", SAME, backbone="toy/a", data_sha256="a" * 32))
    (found,) = compared = tlbench.compare("toy/a", "toy/b", board=folder)
    assert (found.backbone, found.strategy, found.verdict, found.p50_ms) == (None, "finetune", "better", 0.25)
    assert [(one.strategy, one.a, one.b) for one in compared.uncompared] == [("frozen", "toy/a", None)]
    assert "only A has toy/a: toy/blobs frozen" in command("toy/a", "toy/b", "--board", folder)[1]


def test_two_boards_are_compared_by_all_that_both_have(seeds, board, command):
    old = board(seeds("finetune", CLEAR, **OLD), seeds("frozen", SAME, **OLD), name="old")
    new = board(seeds("finetune", SAME, **NEW), seeds("frozen", SAME, **NEW), name="new")
    found = tlbench.compare(old, new)
    assert [(one.strategy, one.verdict) for one in found] == [("finetune", "worse"), ("frozen", "equal")]
    assert {tuple(one.differs.items()) for one in found} == {
        (("version of torch", ("2.10.0", "2.11.0")), ("commit", ("a1b2ccc", "a1b3ddd")))
    }
    status, output, _ = command("old/", "new", "--fail-on", "regression")
    assert status == 1
    assert "  commit: a1b2ccc -> a1b3ddd\n" in output


def test_versions_of_one_board_are_compared_each_with_the_nearest(seeds, board):
    rows = [seeds("finetune", CLEAR, **OLD), seeds("finetune", SAME, **NEW)]
    changed = [dataclasses.replace(row, dirty=True) for row in seeds("finetune", CLEAR, **NEW)]
    folder = board(*rows, changed)
    (found,) = compared = tlbench.compare("A1B2", "a1b3ddd", board=folder)
    assert (found.verdict, found.strategy, found.differs["commit"]) == ("worse", "finetune", ("a1b2ccc", "a1b3ddd"))
    (alone,) = compared.uncompared
    assert (alone.a, "a1b3ddd with uncommitted changes" in alone.b) == (None, True)
    label = alone.b.removeprefix("finetune (").removesuffix(")")
    (found,) = tlbench.compare("a1b2", label, board=folder)
    assert (found.verdict, found.differs["uncommitted changes"]) == ("equal", (False, True))
    with pytest.raises(tlbench.UsageError, match="both name"):
        tlbench.compare("a1b3", label, board=folder)


def test_a_prefix_of_two_commits_is_refused_and_without_a_commit_the_version_counts(seeds, board):
    rows = [seeds("a", CLEAR, commit="a1b2" + end * 36) for end in "ce"]
    rows += [seeds("a", SAME, commit=None, versions={"tlbench": number}) for number in ("0.1.0", "0.2.0")]
    folder = board(*rows)
    with pytest.raises(tlbench.UsageError, match="2 commits"):
        tlbench.compare("a1b2", "0.1.0", board=folder)
    (found,) = tlbench.compare("0.1.0", "0.2.0", board=folder)
    assert (found.verdict, found.differs) == ("equal", {"version of tlbench": ("0.1.0", "0.2.0")})


def test_like_is_compared_with_like(seeds, board):
    """Both strategies have two label budgets and two versions; each is compared with the same one."""
    rows = [
        seeds(name, scores, label_budget=budget, **version)
        for name, scores in (("a", CLEAR), ("b", SAME))
        for budget in (5, 50)
        for version in (OLD, NEW)
    ]
    found = tlbench.compare("a", "b", board=board(*rows))
    assert sorted((one.label_budget, one.verdict) for one in found) == [("5", "worse")] * 2 + [("50", "worse")] * 2
    assert [one.differs for one in found] == [{}] * 4
    assert not found.uncompared


def test_each_set_of_options_of_a_strategy_is_compared_or_may_be_named(seeds, board):
    rows = [seeds("a", scores, strategy_options={"steps": steps}) for steps, scores in ((5, SAME), (50, CLEAR))]
    folder = board(*rows, seeds("b", SAME, strategy_options={"steps": 50, "rank": 2}))
    found = {one.a: (one.verdict, one.differs) for one in tlbench.compare("a", "b", board=folder)}
    assert found == {"a (steps=5)": ("equal", {"strategy.steps": (5, 50)}), "a (steps=50)": ("worse", {})}
    (named,) = tlbench.compare("a (steps=5)", "a (steps=50)", board=folder)
    assert (named.verdict, named.differs) == ("better", {"strategy.steps": (5, 50)})


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"access": ("target-inputs", "target-labels")}, "access: target labels against target inputs and target"),
        ({"label_budget": 7}, "label_budget: 50 against 7"),
        ({"budget_rule": "5/class"}, "label_budget: 50 against 5/class"),
        ({"task_options": {"shift": 2}}, "task.noise: 1 against -; task.shift: - against 2"),
        ({"files": "0123456789"}, "task.files"),
        ({"data_sha256": "b" * 32}, "prepared data: aaaaaa against bbbbbb"),
        ({"metric": "macro-f1"}, "metric: accuracy against macro-f1"),
        ({"test_size": 99}, "target test split: 100 against 99"),
        ({"setting": "inductive"}, "setting"),
    ],
)
def test_what_answers_another_question_is_not_compared_and_says_so(seeds, board, command, changed, reason):
    known = {"data_sha256": "a" * 32, "label_budget": 50}
    folder = board(seeds("a", CLEAR, **known), seeds("b", SAME, **{**known, **changed}))
    status, output, _ = command("a", "b", "--board", folder, "--fail-on", "regression", "--json")
    found = json.loads(output)
    assert (status, found["compared"], found["counts"]["worse"]) == (3, [], 0)
    (other,) = found["uncompared"]
    assert (other["a"].partition(" ")[0], other["b"].partition(" ")[0]) == ("a", "b")
    assert other["reason"].startswith(reason)
    status, output, _ = command("a", "b", "--board", folder)
    assert (status, "Nothing to compare" in output, reason in " ".join(output.split())) == (3, True, True)


def test_without_a_common_seed_nothing_is_compared(seeds, board):
    later = [dataclasses.replace(row, seed=row.seed + 1000) for row in seeds("b", SAME)]
    found = tlbench.compare("a", "b", board=board(seeds("a", CLEAR), later))
    assert [(len(found), one.reason) for one in found.uncompared] == [(0, "seeds: seeds 0-2 against seeds 1000-1002")]


def test_a_partner_that_failed_is_the_reason(row, seeds, board, command):
    failed = [row("b", seed, None, status="failed", stage="adapt", reason="Out of memory") for seed in range(3)]
    folder = board(seeds("a", CLEAR), seeds("a", CLEAR, task="toy/other"), seeds("b", SAME, task="toy/other"), failed)
    status, output, _ = command("a", "b", "--board", folder)
    assert (status, "only A has a (B failed in adapt: Out of memory): toy/blobs toy/mlp" in output) == (0, True)
    assert command("a", "b", "--board", folder, "--fail-on", "regression")[0] == 1
    assert command("b", "a", "--board", folder, "--fail-on", "regression")[0] == 0


def test_differences_of_forgetting_and_latency_are_those_that_can_be_told(seeds, board):
    before_and_after = ((0.75, None), (0.5, None))
    here = {"graph": "a", "forgetting_head": 0.25, "forgetting_probe": None, "source_metric": "accuracy"}
    here |= {"score_matrix": before_and_after, "eager_score": None}
    rows = {"a": here, "graph": here, "machine": {**here, "machine": "another", "p50_ms": 0.6, "p50_ratio": 2.5}}
    rows["machine"] |= {"graph": "b", "contended": True}
    rows["source"] = {**here, "graph": "b", "p50_ms": 0.75, "source_metric": "macro-f1"}
    folder = board(*(seeds(name, CLEAR, **changes) for name, changes in rows.items()))
    told = {}
    for name in ("graph", "machine", "source"):
        (one,) = tlbench.compare("a", name, board=folder)
        told[name] = (one.forgetting_head, one.forgetting_probe, one.p50_ms, one.p50_ratio, one.contended)
    assert told == {
        "graph": (0.0, None, None, None, False),
        "machine": (0.0, None, None, 0.5, True),
        "source": (None, None, 0.25, 0.0, False),
    }


def test_a_name_that_is_not_found_or_not_clear_is_refused(seeds, board, command):
    folder = board(
        seeds("finetune", CLEAR, **OLD),
        seeds("frozen", CLEAR, backbone="frozen", **NEW),
        seeds("a1b3", CLEAR, backbone="a1b3", **OLD),
    )
    cases = {
        ("finetun", "frozen"): 'Did you mean "finetune"?',
        ("finetune", "toy/mlp"): '"finetune" is a strategy, "toy/mlp" is a backbone',
        ("frozen", "a1b3"): "are both strategies and backbones",
        ("a1b", "finetune"): 'Unknown strategy, backbone or version "a1b"',
        ("finetune", "finetune"): "expected two different strategies",
        (str(folder), f"{folder}/"): "the same folder",
    }
    for words, message in cases.items():
        given = () if "/board" in words[0] else ("--board", folder)
        status, output, errors = command(*words, *given)
        assert (status, output, errors.count("\n"), message in errors) == (2, "", 1, True), errors
    assert command("frozen", "a1b3", "--board", folder, "--by", "strategy")[0] == 3
    with pytest.raises(tlbench.UsageError, match='"strategy"'):
        tlbench.compare("frozen", "a1b3", board=folder, by="strategies")


def test_names_of_a_row_are_text_in_every_format(seeds, board, command):
    evil = "toy/\x1b]8;;http://evil\x1b\\x\u202e<b>"
    rows = [seeds("a", CLEAR, backbone=evil, versions={evil: "1"}, source_options={"x": evil})]
    rows += [seeds("b", SAME, backbone=evil, versions={evil: evil}, source_options={evil: evil})]
    folder = board(*rows, seeds("b", SAME, backbone=f"{evil}2"))
    requests = {("a", "b"): 0, ("a", "b", "--json"): 0, (evil, f"{evil}2"): 0, ("a", evil): 2}
    for words, expected in requests.items():
        status, output, errors = command(*words, "--board", folder)
        assert (status, (output + errors).replace("\n", "").isprintable()) == (expected, True)
    found = tlbench.compare("a", "b", board=folder)
    assert repr(found).replace("\n", "").isprintable()
    assert "<b>" not in found._repr_html_()


LIGHT = """
import sys
from tlbench.cli import main
sys.argv = ["tlbench", "compare", *sys.argv[1:]]
main()
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(name for name in loaded if name in ("torch", "onnx", "onnxruntime") or name.startswith("tlbench_")))
"""


def test_no_plugin_and_no_heavy_library_is_loaded(seeds, board):
    done = run_python(LIGHT, "a", "b", "--board", str(board(seeds("a", CLEAR), seeds("b", SAME))))
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.parametrize("names", [("one", "one"), ("one", "other")], ids=["one board", "two boards"])
def test_scores_on_the_same_resampled_test_sets_are_paired(row, tmp_path, names):
    """Each test interval is 0.2 wide, but the difference is nearly the same on every test set."""
    random = np.random.default_rng(3)
    common = 0.08 * random.normal(size=2000)
    strategies = ("a", "b") if names[0] == names[1] else ("a", "a")
    for name, strategy, first in zip(names, strategies, (0.80, 0.75), strict=True):
        for seed in range(3):
            score = first + 0.01 * seed
            ends = {"score_low": score - 0.1, "score_high": score + 0.1, "test_sha256": "a" * 64}
            path = (tmp_path / name / "rows" / row(strategy, seed, score).file_name).with_suffix(".npz")
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, draws=np.float32(score + common + 0.002 * random.normal(size=2000)))
            write_row(tmp_path / name, row(strategy, seed, score, predictions_sha256=file_sha256(path), **ends))
    words = ("a", "b") if strategies == ("a", "b") else [tmp_path / name for name in names]
    (found,) = tlbench.compare(*words, board=tmp_path / "one" if words == ("a", "b") else None)
    assert (found.verdict, found.error < 0.01) == ("worse", True)
