from __future__ import annotations

import dataclasses
import json
import re

import pytest
from support import install, plan_only

from tlbench.results.row import Row, write_row


@pytest.fixture
def rows(catalog, settings, tmp_path):
    """Rows of two seeds on the board `leaderboards/local` of the test's folder."""
    plan = plan_only(catalog, settings, tasks=["toy/blobs"], strategies=["finetune"], seeds=(0, 1))
    made = [Row(**pairing.row_fields(settings), status="ok", score=0.75, p50_ms=0.5) for pairing in plan.pairings]
    for row in made:
        write_row(tmp_path / "leaderboards/local", row)
    return made


def shown(tlbench, *words):
    status, output, errors = tlbench("show", *words, "--json")
    assert status == 0, errors
    return json.loads(output)


def test_a_result_says_that_its_latency_is_pending(rows, tlbench, tmp_path):
    untimed = dataclasses.replace(rows[0], seed=2, p50_ms=None)
    output = tlbench("show", str(write_row(tmp_path / "other", untimed)))[1]
    assert re.search(r"p50 +pending", output)


def test_a_result_says_its_flags(rows, tlbench, tmp_path):
    small = dataclasses.replace(rows[0], seed=3, test_size=9, groups=2)
    output = tlbench("show", str(write_row(tmp_path / "other", small)))[1]
    assert "\nflag few-test-examples: Only 9 test examples" in output
    assert "\nflag few-groups: The test interval is over only 2 groups" in output


def test_no_option_of_a_result_prints_a_line_of_its_own(rows, tlbench, tmp_path):
    named = dataclasses.replace(rows[0], strategy_options={"steps": "5\nresults: 99 ok"}, reason="a\nresults: 99 ok")
    status, output, _ = tlbench("show", str(write_row(tmp_path / "other", named)))
    assert (status, "results: 99 ok" in output.splitlines()) == (0, False)


def test_a_task_says_what_it_is_what_fits_and_how_to_run_it(tlbench):
    (card,) = shown(tlbench, "toy/blobs")
    assert card["shift"] == "A shift and a scale of each feature."
    assert card["backbones"][0] == "toy/mlp"
    assert "words/window" not in card["backbones"]
    assert {option["option"]: option["default"] for option in card["options"]} == {
        "task.noise": 1.0,
        "task.label_budget": "24",
    }
    assert card["commands"] == ["tlbench run --task toy/blobs"]
    output = tlbench("show", "toy/blobs")[1]
    assert output.startswith("task toy/blobs: Blobs, moved\n")
    assert "24 labels" in output
    assert output.endswith("    tlbench run --task toy/blobs\n\n")


def test_a_task_names_the_strategies_that_do_not_fit_and_why(tlbench):
    (card,) = shown(tlbench, "toy/shapes")
    assert {"adabn", "adversarial"}.isdisjoint(card["strategies"])
    assert any('"adversarial"' in reason and "(inductive)" in reason for reason in card["incompatible strategies"])


def test_a_published_task_says_which_files_are_missing(tlbench):
    (card,) = shown(tlbench, "vision/mnist-optdigits")
    assert '"digits/"' in card["missing"][0]


def test_what_a_spec_needs_and_is_not_installed_is_said(tlbench, site):
    install(site, "tlbench-poor", {"poor": "absent_needs"})
    (card,) = shown(tlbench, "needs-absent")
    assert card["missing"] == ['"needs-absent" requires a_module_that_is_nowhere: pip install a_module_that_is_nowhere']
    assert card["plugin"] == "poor (tlbench-poor 1.0)"


def test_a_strategy_says_what_it_sees_and_what_backbones_set_for_it(tlbench):
    (card,) = shown(tlbench, "finetune")
    assert card["access"] == ["target-labels"]
    steps = {line["backbone"]: line["steps"] for line in card["defaults of backbones"]}
    assert steps["toy/mlp"] == 40
    (option,) = [option for option in card["options"] if option["option"] == "finetune.steps"]
    assert option["unit"] == "steps"


def test_a_backbone_and_a_domain_list_their_tasks(tlbench):
    assert "toy/names" in shown(tlbench, "words/window")[0]["tasks"]
    assert shown(tlbench, "toy")[0]["tasks"] == [
        "toy/alone",
        "toy/blobs",
        "toy/names",
        "toy/rare",
        "toy/shapes",
        "toy/table",
    ]


def test_a_family_says_what_its_backbones_are_called_and_a_task_which_families_there_are(tlbench, site):
    install(site, "tlbench-shelf", {"shelf": "found_by_name"})
    (card,) = shown(tlbench, "shelf")
    assert (card["sort"], card["modality"]) == ("family", "tabular")
    assert "toy/blobs" in card["tasks"]
    assert "tlbench show shelf/NAME" in card["commands"]
    assert shown(tlbench, "shelf/mlp")[0]["sort"] == "backbone"
    (task,) = shown(tlbench, "toy/shelved")
    assert task["backbones"][:2] == ["shelf/mlp", "tabular/mlp"]
    assert "shelf/..." in task["families of this modality"]
    assert "timm/..." not in task["families of this modality"]
    (task,) = shown(tlbench, "toy/closed")
    assert task["missing"] == ['"closed" requires a_module_that_is_nowhere: pip install a_module_that_is_nowhere.']


def test_a_row_is_found_by_its_key_a_part_of_its_name_and_its_file(tlbench, rows):
    path = f"leaderboards/local/rows/{rows[1].file_name}"
    for name in (rows[1].key, "blobs--toy-mlp--finetune--s1", path):
        (card,) = shown(tlbench, name)
        assert (card["row"]["seed"], card["row"]["score"]) == (1, 0.75)
        assert card["repeat"] == "tlbench run --task toy/blobs --strategy finetune --seeds 1-1 --device cpu"


def test_a_row_is_shown_in_words_with_units_and_the_command_that_repeats_it(tlbench, rows):
    output = tlbench("show", rows[0].key)[1]
    assert re.search(r"p50 +0\.5 ms\n", output)
    assert "    tlbench run --task toy/blobs --strategy finetune --seeds 0-0 --device cpu\n" in output


def test_a_row_from_elsewhere_cannot_steer_the_terminal(tlbench, rows, tmp_path):
    failed = dataclasses.replace(rows[0], status="failed", reason="gone \x1b[2J")
    output = tlbench("show", str(write_row(tmp_path / "other", failed)))[1]
    assert "gone \\x1b[2J" in output
    assert "\x1b" not in output


def test_a_name_of_two_sorts_shows_both(tlbench, site):
    install(site, "tlbench-namesakes", {"namesakes": "namesakes"})
    assert [card["sort"] for card in shown(tlbench, "toy/mlp")] == ["task", "backbone"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("toy/blob", '"toy/blobs"'),
        ("finetun", '"finetune"'),
        ("tim", '"timm"'),
        ("timm/", '"timm/NAME"'),
        ("blobs--toy-mlp", "matches 2 results"),
        ("zzzzzz", '"zzzzzz": see tlbench list'),
    ],
)
def test_a_name_that_is_none_or_several_is_an_error_that_helps(tlbench, rows, name, message):
    status, _, errors = tlbench("show", name)
    assert (status, message in errors) == (2, True), errors


def test_results_that_differ_only_by_hash_are_named_with_what_differs(tlbench, rows, tmp_path):
    assert "(" not in tlbench("show", "blobs--toy-mlp")[2], "seeds are told apart by their names"
    changed = {"label_budget": 7, "strategy_options": {**rows[0].strategy_options, "steps": 9}}
    write_row(tmp_path / "leaderboards/local", dataclasses.replace(rows[0], key="0" * 12, **changed))
    status, _, errors = tlbench("show", "finetune--s0")
    said = " ".join(errors.split())
    steps = rows[0].strategy_options["steps"]
    assert status == 2
    assert "(label_budget=7, steps=9)" in said
    assert f"(label_budget={rows[0].label_budget}, steps={steps})" in said


def test_a_file_that_is_no_row_is_named(tlbench, tmp_path):
    (tmp_path / "row.json").write_text("{}")
    status, _, errors = tlbench("show", "row.json")
    assert status == 2
    assert all(words in errors for words in ('"row.json"', "schema is None", "expected 1 or 2"))


def test_the_card_of_a_row_names_its_worst_group_and_says_if_there_are_few(tlbench, rows, tmp_path):
    worst = {"worst_group": "anna\x1b[2J", "worst_group_score": 0.25, "worst_group_low": 0.1, "worst_group_high": 0.4}
    row = dataclasses.replace(rows[0], groups=4, **worst, worst_group_size=25)
    write_row(tmp_path / "leaderboards/local", row)
    output = tlbench("show", f"leaderboards/local/rows/{row.file_name}")[1]
    assert re.search(r"worst group +0\.25\n", output)
    assert re.search(r"worst group, name +anna\\x1b\[2J\n", output)
    assert "The test interval is over only 4 groups: it is often too narrow below 10 groups." in output
    assert "too narrow" not in tlbench("show", f"leaderboards/local/rows/{rows[1].file_name}")[1]


def test_json_is_no_other_form(tlbench):
    for words in (("leaderboard", "--json", "--parquet", "x.parquet"), ("show", "x", "--format", "badge", "--json")):
        status, _, errors = tlbench(*words)
        assert (status, "leave out --json" in errors) == (2, True), words


def test_a_strategy_says_which_values_are_tried_and_the_options_of_tuning(tlbench):
    (card,) = shown(tlbench, "l2-sp")
    options = {one["option"]: one for one in card["options"]}
    assert {"l2-sp.trials", "l2-sp.few_labels"} <= set(options)
    assert options["l2-sp.learning_rate"]["tried by --tune"] == "0.0001 to 0.01"
    assert options["l2-sp.batch_size"]["tried by --tune"] == ""
    (card,) = shown(tlbench, "coral")
    assert all("tried by --tune" not in one and not one["option"].endswith(".trials") for one in card["options"])
