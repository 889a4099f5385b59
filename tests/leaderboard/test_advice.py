"""Which strategy a board recommends: each rule fires, and does not fire."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from pathlib import Path

import pytest

import tlbench
from tlbench.api.recommending import recommend
from tlbench.errors import UsageError
from tlbench.leaderboard.advice.limits import BARS, Limits
from tlbench.leaderboard.advice.pages import short
from tlbench.leaderboard.advice.rules import DOUBTS, WITHOUT, WORTH_TRYING
from tlbench.leaderboard.render import render
from tlbench.results.row import write_row

PAGE = Path(__file__).parents[2] / "docs" / "advice.md"
LABELS, NOTHING = ("target-labels",), ()
BASELINES = {
    "constant": LABELS,
    "scratch": LABELS,
    "classical": LABELS,
    "source-only": NOTHING,
    "all-labels": ("target-all-labels",),
}
FLOOR = {"constant": (0.1, 0.1, 0.1), "source-only": (0.3, 0.31, 0.32), "scratch": (0.5, 0.51, 0.52)}
"""Baselines that everything else here is above."""
HIGH, SAME, LOW = (0.80, 0.81, 0.82), (0.805, 0.80, 0.825), (0.60, 0.61, 0.62)


@pytest.fixture
def rows(row):
    """Return the rows of strategies with these scores, a score a seed; baselines are known by their names."""

    def make(scores, changes=()):
        made = []
        for name, values in scores.items():
            known = {"baseline": True, "access": BASELINES[name]} if name in BASELINES else {}
            changed = {"forgetting_head": 0.0, **known, **dict(changes).get(name, {})}
            made += [row(name, seed, score, **{**near(score), **changed}) for seed, score in enumerate(values)]
        return made

    return make


@pytest.fixture
def choices(rows):
    """Return what is chosen with each access, from baselines and the scores of strategies."""

    def choose(scores, changes=(), floor=FLOOR, **limits):
        (advice,) = recommend(rows({**floor, **scores}, changes), None, Limits(**limits))
        return advice.choices

    return choose


@pytest.fixture
def choice(choices):
    """Return the only choice."""

    def choose(scores, changes=(), **options):
        (found,) = choices(scores, changes, **options)
        return found

    return choose


def near(score):
    return {} if score is None else {"score_low": score - 1e-3, "score_high": score + 1e-3}


def test_the_best_is_recommended_with_its_difference_and_what_it_costs(choice):
    found = choice(
        {"a": HIGH, "b": LOW, "c": (0.55, 0.56, 0.57)},
        {"a": {"seconds": {"adapt": 2.5}, "forgetting_head": 0.03, "p50_ms": 0.25}},
    )
    assert (found.decision, found.strategy, found.backbone, found.seeds) == ("best", "a", "toy/mlp", (0, 1, 2))
    assert (found.score, found.forgetting, found.p50_ms, found.adaptation_s) == (pytest.approx(0.81), 0.03, 0.25, 2.5)
    assert found.verdict.startswith("Use a: it is significantly better than b (+0.200 ± 0.0")
    assert "and 1 more" in found.verdict
    assert "accuracy 0.810 (95 % interval 0.809 to 0.811) on 100 test examples; seeds 0-2 (sd 0.010)" in found.evidence
    assert "over source-only" in found.evidence
    assert (
        found.cost == "forgetting 0.030 (source head), 0.250 ms for each example at batch 1, 2.50 CPU s of adaptation."
    )
    assert (found.not_different, found.left_out, found.doubts, found.worth_trying) == ({}, {}, {}, {})


def test_an_only_strategy_is_recommended_as_such(choice):
    found = choice({"a": HIGH})
    assert (found.decision, found.verdict) == ("only", "Use a, the only strategy with this access.")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"b": {"seconds": {"adapt": 0.2}}}, "it is cheaper to train (0.20 CPU s against 1.50 CPU s)"),
        ({"a": {"seconds": {"adapt": 1.6}, "forgetting_head": 0.3}}, "it forgets less (0.000 against 0.300)"),
        ({"a": {"p50_ms": 0.9}}, "it is faster (0.500 ms against 0.900 ms)"),
        ({"b": {"device_seconds": 0.1}}, "it is cheaper to train (0.10 s on the GPU against 1.50 CPU s)"),
    ],
)
def test_what_is_not_told_apart_is_undecided_and_chosen_by_its_cost(choice, changes, why):
    found = choice({"a": HIGH, "b": SAME}, changes)
    assert (found.decision, found.strategy, list(found.not_different)) == ("undecided", "b", ["a"])
    assert found.verdict.startswith("Undecided: b is not significantly different from a (")
    assert found.verdict.endswith(f"Use b: {why}.")


def test_of_equal_costs_the_higher_score_is_chosen(choice):
    found = choice({"b": SAME, "a": (0.81, 0.81, 0.82)})
    assert (
        found.strategy,
        found.verdict.endswith("Use a: of those that cost about the least it has the highest score."),
    ) == ("a", True)


@pytest.mark.parametrize(
    ("changes", "used"),
    [
        ({"b": {"seconds": {"adapt": 0.7}}}, "a"),  # 1.5 s is less than a second more.
        ({"a": {"seconds": {"adapt": 19.0}}, "b": {"seconds": {"adapt": 10.0}}}, "a"),  # It is less than twice that.
        ({"a": {"seconds": {"adapt": 21.0}}, "b": {"seconds": {"adapt": 10.0}}}, "b"),
        ({"a": {"forgetting_head": 0.009}, "b": {"forgetting_head": 0.0}}, "a"),
        ({"a": {"forgetting_head": 0.011}, "b": {"forgetting_head": 0.0}}, "b"),
        ({"a": {"p50_ms": 0.7}}, "a"),
    ],
)
def test_what_costs_about_the_same_is_chosen_by_its_score(choice, changes, used):
    assert choice({"b": SAME, "a": (0.81, 0.81, 0.82)}, changes).strategy == used


def test_of_many_that_are_not_different_a_cell_names_the_highest(choice):
    found = choice(
        {"a": (0.80, 0.81, 0.81), "b": SAME, "c": (0.81, 0.81, 0.82), "d": SAME}, {"b": {"seconds": {"adapt": 0.1}}}
    )
    assert (found.strategy, found.brief) == ("b", "b (0.810) or c (0.813) or 2 more")


def test_a_cheap_strategy_that_a_baseline_beats_is_not_chosen(choice):
    spread = {"a": (0.9, 0.5, 0.7), "b": (0.40, 0.41, 0.42)}
    found = choice(spread, {"b": {"seconds": {"adapt": 0.1}}})
    assert (found.decision, found.strategy, list(found.not_different)) == ("undecided", "a", ["b", "source-only"])
    assert "Use a: b is significantly below scratch, a baseline (-0.100 ± " in found.verdict


def test_a_cheap_strategy_that_gains_nothing_is_not_chosen_if_another_gains(choice):
    floor = {"constant": (0.1, 0.1, 0.1), "source-only": (0.70, 0.60, 0.50)}
    found = choice({"a": (0.80, 0.70, 0.61), "b": (0.90, 0.60, 0.60)}, {"b": {"seconds": {"adapt": 0.1}}}, floor=floor)
    assert (found.strategy, list(found.not_different)) == ("a", ["b"])
    assert found.verdict.endswith(
        "significantly better than source-only, the model without adaptation, and no other is."
    )


def test_a_baseline_that_is_better_than_all_strategies_is_used_in_their_place(choice):
    found = choice({"a": LOW, "b": (0.55, 0.56, 0.57), "classical": HIGH, "all-labels": (0.9, 0.91, 0.92)})
    assert (found.decision, found.strategy) == ("baseline", "classical")
    assert found.verdict.startswith("Use classical, a baseline: it is significantly better than a (+0.200 ± ")


def test_an_upper_bound_is_never_recommended(choices):
    bounds = {"b": {"access": ("target-all-labels",)}, "c": {"selection": "oracle"}}
    found = choices({"a": LOW, "b": HIGH, "c": HIGH, "all-labels": HIGH}, bounds)
    assert [one.strategy for one in found] == ["a", None]
    assert "an upper bound" in found[0].left_out["c"]
    assert "an upper bound" in found[1].left_out["b"]


def test_an_adaptation_that_gains_nothing_is_undecided(choice):
    floor = {**FLOOR, "source-only": SAME}
    found = choice({"a": HIGH}, {"a": {"access": ("source", "target-inputs")}}, floor=floor)
    assert (found.decision, found.strategy, list(found.not_different)) == ("undecided", "a", ["source-only"])
    assert found.verdict.startswith(
        "Undecided: a, the only strategy with this access, is not significantly better than"
    )
    assert found.brief == "a (0.810) or source-only"


def test_one_seed_decides_nothing_and_the_highest_score_is_named(choice):
    floor = {name: scores[:1] for name, scores in FLOOR.items()}
    found = choice({"a": (0.9,), "b": (0.5,)}, {"b": {"seconds": {"adapt": 0.1}}}, floor=floor)
    assert (found.decision, found.strategy, found.not_different["b"]) == ("undecided", "a", (None, None))
    assert "which may be luck" in found.verdict
    assert set(found.doubts) == {"one-seed"}
    assert "--seeds 3 " in found.worth_trying["first-seeds"]
    alone = choice({"a": (0.9,)}, floor=floor)
    assert (alone.decision, "fewer than two common seeds" in alone.verdict) == ("undecided", True)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"most_common_share": 0.99, "most_common_target_share": 0.5}, "its predictions are nearly constant"),
        ({"access": LABELS}, ""),
    ],
)
def test_a_strategy_whose_predictions_are_constant_is_left_out(choice, changed, reason):
    found = choice({"a": LOW, "b": HIGH}, {"b": changed})
    assert (found.strategy, found.left_out.get("b", "")) == ("a" if reason else "b", reason)


def test_a_strategy_that_has_not_learnt_the_task_is_left_out(choice):
    found = choice({"a": (0.05, 0.2, 0.1), "b": LOW})
    assert (found.strategy, found.left_out["a"][:45]) == ("b", "not significantly above the constant baseline")
    none = choice({"a": (0.05, 0.2, 0.1)})
    assert (none.decision, none.strategy, none.brief, set(none.worth_trying)) == ("none", None, "none", {"learn-more"})
    assert none.verdict.startswith("No strategy can be recommended. a: not significantly above the constant baseline")


def test_a_strategy_of_which_runs_failed_is_left_out(rows):
    made = rows(
        {**FLOOR, "a": HIGH, "b": LOW, "c": (None,)}, {"c": {"status": "failed", "stage": "adapt", "reason": "x"}}
    )
    made.append(dataclasses.replace(made[-5], seed=9, status="failed", score=None, strategy="a"))
    (found,) = recommend(made, None, Limits())[0].choices
    assert (found.strategy, found.left_out) == ("b", {"a": "1 of 4 runs failed", "c": "failed in adapt"})
    without = [one for one in made if one.strategy != "b"]
    (none,) = recommend(without, None, Limits())[0].choices
    assert set(none.worth_trying) == {"repeat"}


def test_limits_leave_out_what_is_above_them_and_what_was_not_measured(choice):
    scores = {"a": HIGH, "b": LOW, "c": (0.7, 0.71, 0.72)}
    lost = {"a": {"forgetting_head": 0.2, "p50_ms": 2.0}, "c": {"forgetting_head": None, "p50_ms": None}}
    found = choice(scores, lost, max_forgetting=0.05)
    assert (found.strategy, found.left_out["c"]) == ("b", "forgetting not measured")
    assert found.left_out["a"] == "it forgets 0.200, more than 0.05"
    found = choice(scores, lost, max_ms=1)
    assert (found.strategy, found.left_out["a"]) == ("b", "it takes 2.000 ms, more than 1")
    assert choice(scores, lost, max_forgetting=0.2, max_ms=2).strategy == "a"
    none = choice({"a": HIGH}, lost, max_forgetting=0.1)
    assert set(none.worth_trying) == {"loosen"}


def test_without_a_source_head_the_forgetting_of_the_probe_counts(choice):
    probe = {"a": {"forgetting_head": None, "forgetting_probe": 0.2}}
    assert choice({"a": HIGH, "b": LOW}, probe).cost.startswith("forgetting 0.200 (probe), ")
    assert choice({"a": HIGH, "b": LOW}, probe, max_forgetting=0.1).strategy == "b"


@pytest.mark.parametrize("limits", [{"max_ms": float("nan")}, {"max_forgetting": float("inf")}, {"max_ms": 0}])
def test_a_limit_that_means_nothing_is_refused(limits):
    with pytest.raises(UsageError, match="Invalid limit"):
        Limits(**limits)


def test_access_is_never_mixed_and_what_cannot_be_given_is_not_considered(rows):
    access = {"b": {"access": ("source", "target-inputs")}, "c": {"access": ("target-inputs",)}}
    made = rows({**FLOOR, "a": LOW, "b": HIGH, "c": HIGH}, access)
    (advice,) = recommend(made, None, Limits())
    assert [(one.given, one.strategy) for one in advice.choices] == [
        ("With unlabelled target inputs, without source data", "c"),
        ("With target labels (24 labels), without source data", "a"),
        ("With source data and unlabelled target inputs", "b"),
    ]
    (advice,) = recommend(made, None, Limits(needs=("source", "target-inputs")))
    assert ([one.strategy for one in advice.choices], advice.not_considered) == (["c", "b"], ("a",))
    (advice,) = recommend(made, None, Limits(needs=("source",)))
    assert (advice.choices, advice.not_considered) == ((), ("c", "a", "b"))
    assert "Left is source-only, the model without adaptation: accuracy 0.310" in advice.remark
    with pytest.raises(UsageError, match="target-labels"):
        Limits(needs=("target-label",))


def test_alternatives_may_differ_in_selection_but_not_in_label_budget_or_commit(choices):
    selected = choices({"a": HIGH, "b": LOW}, {"b": {"selection": "target-validation"}})
    assert [one.decision for one in selected] == ["best"]
    budgets = choices({"a": HIGH, "b": LOW}, {"b": {"budget_rule": "all", "label_budget": 99}})
    assert [(one.strategy, one.condition) for one in budgets] == [("a", "24 labels"), ("b", "all labels")]
    commits = choices({"a": HIGH, "b": LOW}, {"b": {"commit": "b" * 40, "dirty": False}})
    assert "commit bbbbbbb" in {one.condition for one in commits}


def test_the_short_table_has_a_line_for_each_condition(rows):
    source = {"access": ("source-data",)}
    made = rows(
        {**FLOOR, "a": HIGH, "b": LOW, "c": HIGH}, {"b": {"budget_rule": "all", "label_budget": 99}, "c": source}
    )
    table = short(recommend(made, None, Limits()))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if "toy/blobs" in line]
    assert lines == [
        ["toy/blobs", "c (0.810)", "-"],
        ["toy/blobs, 24 labels", "-", "a (0.810)"],
        ["toy/blobs, all labels", "-", "b (0.610)"],
    ]


def test_the_best_of_several_sets_of_options_is_chosen_among_these_alone(row, rows):
    made = rows({**FLOOR, "b": LOW})
    for steps, scores in ((5, HIGH), (9, SAME)):
        made += [
            row("a", seed, score, **near(score), strategy_options={"steps": steps}) for seed, score in enumerate(scores)
        ]
    conditions = [(one.condition, one.name) for one in recommend(made, None, Limits())[0].choices]
    assert sorted(conditions) == [("", "b"), ("options of a", "a (steps=5)")]


def test_backbones_are_alternatives_and_named(row, rows):
    made = [
        *rows({**FLOOR, "a": LOW}),
        *(row("a", seed, s, **near(s), backbone="toy/other") for seed, s in enumerate(HIGH)),
    ]
    (found,) = recommend(made, None, Limits())[0].choices
    assert (found.strategy, found.backbone) == ("a", "toy/other")
    assert found.verdict.startswith("Use a on toy/other: it is significantly better than a on toy/mlp (")


WIDE = {"score_low": 0.7, "score_high": 0.9}
ALL = {"all-labels": (0.9, 0.91, 0.92)}
RULES = [
    ("one-seed", {"a": (0.8,)}, {}, "One seed"),
    ("wide-interval", {"a": HIGH}, {"a": WIDE}, "100 test examples: a score of 0.81 means 0.70 to 0.90."),
    ("wide-interval", {"a": HIGH}, {"a": {"test_size": 39}}, "39 test examples: "),
    ("unpaired", {"a": HIGH, "b": SAME}, {}, "upper bounds"),
    ("unpaired", {"a": (0.3, 0.35, 0.31)}, {"a": {"access": ("target-inputs",)}}, "upper bounds"),
    ("few-groups", {"a": HIGH}, {"a": {"groups": 3}}, "only 3 groups"),
    ("test-copies", {"a": HIGH}, {"a": {"test_copies": 50}}, "50 of 100 test examples"),
    (
        "source-test-copies",
        {"a": HIGH},
        {"a": {"source_test_copies": 5, "source_test_size": 10}},
        "Source: 5 of 10 test examples",
    ),
    ("partial-checkpoint", {"a": HIGH}, {"a": {"weights_loaded": 1, "weights_expected": 9}}, "Only 1 of 9 weights"),
    ("contended-latency", {"a": HIGH}, {"a": {"contended": True}}, "machine was busy"),
    ("first-seeds", {"a": (0.8,)}, {}, "--seeds 3 "),
    ("more-seeds", {"a": HIGH, "b": (0.75, 0.81, 0.74)}, {}, "(--seeds "),
    ("more-test-data", {"a": HIGH, "b": SAME}, {"b": WIDE}, "no practical number of seeds would decide between"),
    ("more-test-data", {"a": HIGH}, {"a": WIDE}, "interval of the score is wide"),
    (
        "more-labels",
        {"a": HIGH, **ALL},
        {},
        "(--label-budget all): with all target labels, the score of all-labels is 0.1",
    ),
    ("more-labels", {"a": HIGH, **ALL}, {"a": {"access": ("target-inputs",)}}, "Target labels: with all of them"),
    ("checkpoint", {"a": (0.51, 0.50, 0.54)}, {}, "a is not significantly above training from scratch"),
    ("classical", {"a": HIGH, "classical": SAME}, {}, "a is not significantly above it"),
    (
        "keep-source",
        {"a": HIGH, "b": LOW},
        {"a": {"forgetting_head": 0.3}},
        "b forgets 0.000 in place of 0.300, and its score is 0.200 ± ",
    ),
]


@pytest.mark.parametrize(
    ("rule", "scores", "changes", "words"), RULES, ids=[f"{one[0]}-{n}" for n, one in enumerate(RULES)]
)
def test_a_rule_says_its_sentence(choice, rule, scores, changes, words):
    found = choice(scores, changes)
    assert words in {**found.doubts, **found.worth_trying}[rule]


def test_every_rule_is_silent_where_it_does_not_apply_and_stands_on_the_page(choice):
    tested = {one[0] for one in RULES} | {"no-constant"}
    assert tested == {*DOUBTS, *WORTH_TRYING}
    plain = choice({"a": HIGH, "b": LOW, "classical": (0.4, 0.41, 0.42), "all-labels": SAME})
    assert (plain.doubts, plain.worth_trying) == ({}, {})
    page = PAGE.read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    named = [name for line in lines for name in re.findall(r"`([\w-]+)`", line.split("|")[1])]
    decisions = ["best", "only", "undecided", "baseline", "none"]
    assert named == [*BARS, *decisions, *DOUBTS, *WORTH_TRYING, *WITHOUT]


def test_other_values_of_rules_that_have_a_threshold_say_nothing(choice):
    close = {"a": {"score_low": 0.77, "score_high": 0.85, "forgetting_head": 0.04}}
    assert not {"wide-interval", "keep-source"} & {**choice({"a": HIGH, "b": LOW}, close).doubts}.keys()
    rmse = {"a": {**WIDE, "metric": "log-likelihood"}, **{name: {"metric": "log-likelihood"} for name in FLOOR}}
    assert choice({"a": HIGH}, rmse).doubts == {}
    everything = {"a": {"budget_rule": "all"}, **{name: {"budget_rule": "all"} for name in FLOOR}}
    assert "more-labels" not in choice({"a": HIGH, **ALL}, everything).worth_trying


def test_without_the_constant_baseline_nobody_knows_what_was_learnt(choice):
    assert "--references constant" in choice({"a": HIGH}, floor={}).doubts["no-constant"]


def test_a_perfect_score_on_few_examples_says_how_low_it_may_be(choice):
    perfect = {"score_low": 0.91, "score_high": 1.0, "test_size": 39}
    found = choice({"a": (1.0, 1.0, 1.0)}, {"a": perfect, "scratch": perfect}, floor={"scratch": (1.0, 1.0, 1.0)})
    assert found.doubts["wide-interval"] == "39 test examples: a score of 1.00 means at least 0.91."
    assert list(found.worth_trying) == ["more-test-data"]


def test_without_a_source_there_is_a_way_to_measure_forgetting(choice):
    alone = {"setting": "target-only", "forgetting_head": None}
    found = choice({"a": HIGH, "b": LOW}, {"a": alone, "b": alone}, floor={})
    assert (found.given, "(--remember TASK measures it)" in found.cost) == ("With target labels (24 labels)", True)


def test_seeds_go_on_from_those_that_are_there(row, rows):
    made = [
        dataclasses.replace(one, seed=1000 + one.seed) for one in rows({**FLOOR, "a": HIGH, "b": (0.75, 0.81, 0.74)})
    ]
    (found,) = recommend(made, None, Limits())[0].choices
    seeds, last = re.search(r"about (\d+) in all \(--seeds 1000-(\d+)\)", found.worth_trying["more-seeds"]).groups()
    assert int(last) == 999 + int(seeds)


def test_strategies_without_common_seeds_are_not_compared(rows):
    made = rows({**FLOOR, "a": HIGH, "b": LOW})
    made = [dataclasses.replace(one, seed=one.seed + 10) if one.strategy == "b" else one for one in made]
    (found,) = recommend(made, None, Limits())[0].choices
    assert (found.decision, found.strategy, found.not_different) == ("undecided", "a", {"b": (None, None)})
    assert found.worth_trying["first-seeds"] == "The same seeds for a and b: they have fewer than two in common."


def test_scores_without_intervals_are_undecided(choice):
    nothing = {"score_low": None, "score_high": None}
    found = choice({"a": HIGH, "b": LOW}, {"a": nothing, "b": nothing}, floor={})
    assert (found.decision, found.not_different) == ("undecided", {"b": (pytest.approx(0.2), None)})
    assert "b (+0.200 ± -)" in found.verdict


@pytest.fixture
def board(rows, tmp_path):
    """Write a board of two strategies and their baselines."""
    for number, one in enumerate(rows({**FLOOR, "a": HIGH, "b": LOW}, {"a": {"forgetting_head": 0.3}})):
        matrix = ((0.9, 0.3), (0.9 - one.forgetting_head, one.score))
        write_row(tmp_path / "board", dataclasses.replace(one, key=f"{number:012d}", score_matrix=matrix))
    return tmp_path / "board"


@pytest.fixture
def command(tlbench_command):
    return functools.partial(tlbench_command, "advise")


def test_the_command_python_and_pages_say_the_same(board, command):
    status, output, errors = command("--board", board)
    advice = tlbench.load(board).recommend()
    assert (status, output, errors) == (0, f"{advice!r}\n", "")
    assert max(map(len, output.splitlines())) <= 80
    assert json.loads(command("toy/blobs", "--board", board, "--json")[1]) == json.loads(json.dumps(advice.to_json()))
    (choice,) = advice[0].choices
    rows = tlbench.load(board).rows
    render(board, rows)
    page, overview = (board / "toy.md").read_text(), (board / "README.md").read_text()
    assert choice.verdict in page
    assert page.index("Which strategy?") < page.index("## toy/blobs")
    assert "| toy/blobs | a (0.810)" in overview
    render(board, tuple(reversed(rows)))
    assert (page, overview) == ((board / "toy.md").read_text(), (board / "README.md").read_text())


def test_tasks_with_a_real_checkpoint_come_first(board):
    rows = list(tlbench.load(board).rows)
    real = [
        dataclasses.replace(row, task="toy/zebra", weights="hub:owner/net", weights_sha256="ab" * 16) for row in rows
    ]
    render(board, [*rows, *real])
    overview = (board / "README.md").read_text()
    table = overview[overview.index("Which strategy?") :]
    assert 0 < table.index("| toy/zebra") < table.index("| toy/blobs")


def test_limits_of_the_command_are_those_of_python(board, command):
    status, output, _ = command("--board", board, "--max-forgetting", "0.1", "--needs", "target-labels")
    results = tlbench.load(board)
    assert (status, output) == (0, f"{results.recommend(max_forgetting=0.1, needs='target-labels')!r}\n")
    assert "Use b, the only strategy" in output
    assert "Left out: a: it forgets 0.300, more than 0.1." in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("toy/blob",), 'Did you mean "toy/blobs"?'),
        (("--max-ms", "nan"), "Invalid limit"),
        (("--max-ms", "fast"), "fast"),
        (("--needs", "sources"), "target-inputs"),
        (("--board", "nowhere"), "tlbench run"),
    ],
)
def test_a_wrong_request_is_an_error_in_a_sentence(board, command, words, message):
    status, output, errors = command("--board", board, *words)
    assert (status, output, message in errors, "Traceback" in errors) == (2, "", True, False)


def test_several_tasks_are_a_line_each_and_without_a_score_there_is_nothing_to_say(rows, row, tmp_path, command):
    made = rows({**FLOOR, "a": HIGH, "b": LOW})
    both = [*made, *(dataclasses.replace(one, task="toy/other") for one in made)]
    advice = recommend(both, None, Limits())
    ((title, lines),) = advice.brief()
    assert advice.text.count("which strategy?") == 2
    line = "  target labels: a (0.810)"
    assert (title, lines[:-1]) == ("Which strategy?", ["toy/blobs, toy/mlp", line, "toy/other, toy/mlp", line])
    assert repr(advice).startswith(f"Which strategy?\n  toy/blobs, toy/mlp\n  {line}\n")
    write_row(tmp_path, row("a", 0, None, status="failed", stage="adapt", reason="no"))
    assert command("--board", tmp_path)[:2] == (
        0,
        "No strategy has a score: there is nothing to choose among. tlbench leaderboard says what failed or was "
        "skipped, and why; tlbench run --strategy all tries them all.\n",
    )


def test_names_mean_nothing_in_a_terminal_in_html_and_on_a_page(rows, tmp_path):
    evil = "<b>|[x](javascript:a)\x1b[2J\u202e"
    made = [
        dataclasses.replace(
            one, task=f"toy/{evil}", strategy=evil if one.strategy == "a" else one.strategy, backbone=evil
        )
        for one in rows({**FLOOR, "a": HIGH, "b": SAME})
    ]
    advice = recommend(made, None, Limits())
    assert all(text.replace("\n", "").isprintable() for text in (repr(advice), advice.text))
    assert "<b>" not in advice._repr_html_()
    render(tmp_path, made)
    for name in ("toy.md", "README.md"):
        page = (tmp_path / name).read_text()
        assert "<b>" not in page
        assert not re.search(r"(?<!\\)\]\(javascript", page)
