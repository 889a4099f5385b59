from __future__ import annotations

import csv
import dataclasses
import io
import json
import re

import pytest

from tlbench.api.tables import scored
from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.render import render
from tlbench.results.row import write_row


def test_seeds_of_one_question_are_one_entry(row):
    (entry,) = aggregate([row("finetune", 1, 0.8), row("finetune", 0, 0.6)])
    record = entry.record
    assert [member.seed for member in entry.rows] == [0, 1]
    assert record["score"] == pytest.approx(0.7)
    assert record["seed_sd"] == pytest.approx(0.2 / 2**0.5)
    assert (record["score_low"], record["score_high"]) == (pytest.approx(0.68), pytest.approx(0.72))


def test_other_options_or_machines_are_other_entries_and_say_in_what_they_differ(row):
    entries = aggregate(
        [
            row("finetune", 0, 0.8, strategy_options={"steps": 40}),
            row("finetune", 0, 0.7, strategy_options={"steps": 80}),
            row("finetune", 0, 0.6, strategy_options={"steps": 80}, machine="another"),
        ]
    )
    assert [entry.strategy for entry in entries] == [
        "finetune (steps=40)",
        "finetune (steps=80)",
        "finetune (steps=80)",
    ]


def test_a_model_with_other_options_is_named_beside_other_strategies_too(row):
    rows = [
        row("finetune", 0, 0.8, backbone_options={"size": 128}),
        row("frozen", 0, 0.7, backbone_options={"size": 224}),
    ]
    assert [entry.strategy for entry in aggregate(rows)] == [
        "finetune (backbone.size=128)",
        "frozen (backbone.size=224)",
    ]
    other_task = dataclasses.replace(rows[1], task="vision/other")
    assert [entry.strategy for entry in aggregate([rows[0], other_task])] == ["finetune", "frozen"]


def test_rows_of_other_precision_or_split_batches_are_never_averaged(row):
    rows = [row("finetune", 0, 0.8), row("finetune", 1, 0.6, precision="bf16")]
    rows += [row("finetune", 2, 0.7, precision="bf16", accumulation_steps=2)]
    entries = aggregate(rows)
    assert [len(entry.rows) for entry in entries] == [1, 1, 1]
    assert [entry.strategy for entry in entries] == [
        "finetune (fp32, batch in 1)",
        "finetune (bf16, batch in 2)",
        "finetune (bf16, batch in 1)",
    ]


def test_entries_are_sorted_within_their_access_and_baselines_come_last(row):
    rows = [
        row("source-only", 0, 0.99, access=(), baseline=True),
        row("a", 0, 0.5),
        row("b", 0, 0.6),
        row("c", 0, 0.9, access=("source", "target-inputs")),
        row("all-labels", 0, 1.0, access=("target-all-labels",), baseline=True),
    ]
    assert [entry.first.strategy for entry in aggregate(rows)] == ["c", "b", "a", "source-only", "all-labels"]


def test_differences_from_source_only_are_paired_by_seed(row, tmp_path):
    rows = [row("source-only", seed, 0.5 + seed / 10, access=(), baseline=True) for seed in (0, 1)]
    rows += [row("finetune", 0, 0.7), row("finetune", 1, 0.5), row("frozen", 2, 0.9)]
    found = {entry.strategy: entry.over_source_only for entry in aggregate(rows)}
    assert found["finetune"] == (pytest.approx(0.2), pytest.approx(-0.1))
    assert found["frozen"] == ()
    render(tmp_path, rows)
    assert "+0.050 (1/2)" in (tmp_path / "toy.md").read_text()


@pytest.mark.parametrize("claimed", [None, 0.4])
def test_a_transfer_gain_is_computed_from_the_baseline_whatever_the_row_says(row, claimed):
    rows = [row("scratch", 0, 0.5, baseline=True), row("finetune", 0, 0.4, transfer_gain=claimed)]
    entry = next(entry for entry in aggregate(rows) if entry.first.strategy == "finetune")
    assert (entry.mean("transfer_gain"), entry.first.negative_transfer) == (pytest.approx(-0.1), True)
    alone = aggregate([row("finetune", 0, 0.4, transfer_gain=claimed)])[0]
    assert alone.mean("transfer_gain") == claimed


def grouped(row, seed, name, score, groups=12):
    worst = {"worst_group": name, "worst_group_score": score, "worst_group_low": score - 0.1}
    return row("a", seed, 0.8, groups=groups, **worst, worst_group_high=score + 0.1, worst_group_size=25)


def test_the_worst_group_is_shown_with_its_interval_where_a_task_has_groups(row, tmp_path):
    rows = [grouped(row, 0, "ben", 0.3), grouped(row, 1, "anna", 0.5), row("b", 0, 0.7)]
    render(tmp_path, [*rows, row("a", 0, 0.6, task="toy/shapes")])
    _, blobs, shapes = (tmp_path / "toy.md").read_text().split("## toy/")
    assert "| worst group " in blobs
    assert "| 0.400 (0.300 to 0.500): ben or anna " in blobs
    assert "| worst group " not in shapes.partition("## ")[0]
    (entry,) = [line for line in json.loads((tmp_path / "leaderboard.json").read_text()) if line["groups"]]
    assert (entry["worst_group"], entry["worst_group_score"]) == ("ben, anna", pytest.approx(0.4))
    render(tmp_path, [grouped(row, seed, f"p{seed}", 0.5) for seed in range(3)])
    assert "0.500 (0.400 to 0.600): 3 groups |" in (tmp_path / "toy.md").read_text()


def test_an_interval_over_few_groups_has_a_note(row, tmp_path):
    render(tmp_path, [grouped(row, 0, "ben", 0.3, groups=4), grouped(row, 1, "ben", 0.3, groups=10)])
    for name in ("toy.md", "toy.tex"):
        text = (tmp_path / name).read_text()
        assert "The test interval is over only 4 groups: it is often too narrow below 10 groups." in text
        assert "over only 10 groups" not in text


def test_failed_and_skipped_rows_stay_on_the_page_with_their_reason(row, tmp_path):
    failed = row("broken", 0, None, status="failed", stage="adapt", reason="The loss is nan.")
    render(tmp_path, [row("finetune", 0, 0.8), failed])
    page = (tmp_path / "toy.md").read_text()
    assert "| failed (1)" in page
    assert "- (1) broken, seed 0: failed in adapt. The loss is nan." in page
    assert "1 ok, 1 failed, 0 skipped" in (tmp_path / "README.md").read_text()


def test_skipped_rows_are_one_line_by_reason_and_no_lines_of_the_table(row, tmp_path):
    needs = '"{}" requires source data; "toy/blobs" has none.'
    skipped = [
        row(name, seed, None, status="skipped", reason=needs.format(name), p50_ms=None)
        for name in ("mmd", "coral")
        for seed in (0, 1)
    ]
    render(tmp_path, [row("finetune", 0, 0.8), *skipped])
    assert "- 2 skipped: requires source data (coral, mmd)" in (tmp_path / "toy.md").read_text()
    assert "2 skipped: requires source data (coral, mmd)" in (tmp_path / "toy.tex").read_text()
    for name in ("toy.md", "toy.tex"):
        assert not re.search(r"^\|? ?(coral|mmd)", (tmp_path / name).read_text(), re.MULTILINE)
    assert "| mmd" not in (tmp_path / "README.md").read_text()
    render(tmp_path, skipped)
    assert "- 2 skipped: requires source data (coral, mmd)" in (tmp_path / "toy.md").read_text()
    assert "\\begin{table}" not in (tmp_path / "toy.tex").read_text()


def test_of_many_ties_those_of_the_best_are_told_and_of_many_strategies_no_table(row, tmp_path):
    scores = {(place, seed): (place * 7 + seed * 5) % 11 / 40 + place / 12 for place in range(12) for seed in range(3)}
    rows = [row(f"s{place:02}", seed, score) for (place, seed), score in scores.items()]
    render(tmp_path, rows)
    page = (tmp_path / "toy.md").read_text()
    told = re.findall(r"^- (s\d\d) and (s\d\d) are not significantly different", page, re.MULTILINE)
    best = set(re.findall(r"^\| \*\*(s\d\d)\*\*", page, re.MULTILINE))
    assert {name for pair in told for name in pair} <= best
    assert re.search(r"^- \d+ more neighbours in the ranking are not significantly different\.", page, re.MULTILINE)
    overview = (tmp_path / "README.md").read_text()
    assert "12 strategies, too many for one table" in overview
    assert "| s03" not in overview


FORMULAS = ['=HYPERLINK("http://evil")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", " =1+1", "＝1+1"]


@pytest.mark.parametrize("evil", [*FORMULAS, "\t=1+1", "\r=1+1", "\n=1"])
def test_no_cell_of_csv_is_a_formula_and_numbers_stay_numbers(row, tmp_path, evil):
    rows = [row("a", 0, 0.5, backbone=evil, selection=evil, transfer_gain=-0.25, scores={evil: -0.5})]
    rows += [row("b", 0, None, status="failed", reason=evil)]
    render(tmp_path, rows)
    table = list(csv.reader(io.StringIO((tmp_path / "toy.csv").read_text())))
    assert table[0][table[0].index("backbone")] == "backbone"
    numbers = [cell for line in table for cell in line if re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)]
    assert {"0.5", "-0.25", "-0.5"} <= set(numbers)
    others = {cell for line in table for cell in line} - set(numbers)
    assert not [cell for cell in others if cell.lstrip().startswith(("=", "+", "-", "@", "＝"))]
    assert [line[table[0].index("backbone")] for line in table[1:2]] == [
        f"'{evil}" if evil in FORMULAS else evil.encode("unicode_escape").decode()
    ]


def test_a_name_cannot_be_read_as_a_part_of_the_command_that_ends_a_line_of_latex(row, tmp_path):
    render(tmp_path, [row("[5cm] a", 0, 0.5), row("* b", 0, 0.5)])
    lines = (tmp_path / "toy.tex").read_text().splitlines()
    assert not [line for line in lines if line.startswith(("[", "*", r"\textbf{[", r"\textbf{*"))]


def test_a_board_of_failures_alone_is_a_board(row, tmp_path):
    render(tmp_path, [row("broken", seed, None, status="failed", reason="It broke.") for seed in range(3)], plots=True)
    assert "broken, seeds 0-2: failed. It broke." in (tmp_path / "toy.md").read_text()
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {"drawn.json"}


def test_every_link_of_a_page_leads_to_a_file(row, tmp_path):
    rows = [row(name, seed, 0.5 + seed / 10) for name in ("a", "b") for seed in range(2)]
    for one in rows:
        write_row(tmp_path, one)
    render(tmp_path, rows, plots=True)
    for name in ("toy.md", "README.md"):
        page = (tmp_path / name).read_text()
        targets = re.findall(r"\]\(([^)]+)\)", page) + re.findall(r"^\[\d+\]: (.+)$", page, re.MULTILINE)
        assert len(targets) >= 3
        assert [target for target in targets if not (tmp_path / target).is_file()] == []
        used, defined = set(re.findall(r"\]\[(\d+)\]", page)), set(re.findall(r"^\[(\d+)\]:", page, re.MULTILINE))
        assert used == defined


def test_a_further_score_of_a_task_has_a_column_and_a_usual_one_has_none(row, tmp_path):
    render(tmp_path, [row("a", seed, 0.5, scores={"success": 0.25 + seed / 2, "ece": 0.125}) for seed in (0, 1)])
    header, _, _, line = [text.split("|") for text in (tmp_path / "toy.md").read_text().splitlines() if "|" in text][:4]
    cells = dict(zip(map(str.strip, header), map(str.strip, line), strict=True))
    assert (cells["success"], "ece" in cells) == ("0.500", False)
    assert "scores.ece" in (tmp_path / "toy.csv").read_text()


def test_the_json_holds_every_entry_with_its_rows_and_those_without_a_score(row, tmp_path):
    rows = [row("finetune", 0, 1 / 3), row("broken", 0, None, status="failed", stage="adapt", reason="It broke.")]
    render(tmp_path, rows)
    good, bad = json.loads((tmp_path / "leaderboard.json").read_text())
    assert (good["score"], good["rows"]) == (1 / 3, [f"rows/{rows[0].file_name}"])
    assert (bad["status"], bad["stage"], bad["reason"], bad["score"]) == ("failed", "adapt", "It broke.", None)


def test_the_csv_holds_every_number_unrounded(row, tmp_path):
    render(tmp_path, [row("finetune", 0, 1 / 3), row("frozen", 0, 0.25, forgetting_head=0.0)])
    table = {line["strategy"]: line for line in csv.DictReader(io.StringIO((tmp_path / "toy.csv").read_text()))}
    assert float(table["finetune"]["score"]) == 1 / 3
    assert (table["frozen"]["forgetting_head"], table["finetune"]["forgetting_head"]) == ("0.0", "")


def test_rendering_twice_and_in_another_order_gives_the_same_bytes(row, tmp_path):
    rows = [row(name, seed, 0.5 + seed / 10) for name in ("a", "b") for seed in range(3)]
    pages = []
    for folder, order in ((tmp_path / "one", rows), (tmp_path / "two", rows[::-1])):
        pages.append({path.name: path.read_bytes() for path in render(folder, order)})
    assert pages[0] == pages[1]


def test_the_overview_says_the_access_of_each_column_and_hides_no_machine(row, tmp_path):
    rows = [
        row("finetune", 0, 0.8),
        row("finetune", 0, 0.7, machine="another"),
        row("all-labels", 0, 0.9, baseline=True),
    ]
    render(tmp_path, rows)
    lines = [[cell.strip() for cell in line.split("|")] for line in (tmp_path / "README.md").read_text().splitlines()]
    assert ["", "*access*", "", "target labels", ""] in lines
    assert ["", "toy/blobs", "toy/mlp", "**0.800** / -; **0.700** / -", ""] in lines
    assert ["", "toy/blobs", "toy/mlp", "0.900 / -", ""] in lines


def test_backbones_that_began_with_loaded_weights_come_first_in_the_overview(row, tmp_path):
    loaded = {"task": "toy/zebras", "backbone": "hf/known", "weights": "known", "weights_sha256": "0" * 64}
    rows = [row("frozen", 0, 0.5, **known) for known in ({"task": "toy/apes"}, loaded, {})]
    render(tmp_path, [*rows, row("constant", 0, 0.5, baseline=True, **loaded)])
    lines = (tmp_path / "README.md").read_text().partition("## Strategies")[2].splitlines()
    tasks = [line.split("|")[1].strip() for line in lines if line.startswith("| toy/")]
    assert tasks[:3] == ["toy/zebras", "toy/apes", "toy/blobs"]


def test_a_busy_machine_and_negative_transfer_are_marked(row, tmp_path):
    render(tmp_path, [row("finetune", 0, 0.5, contended=True, transfer_gain=-0.1, negative_transfer=True)])
    page = (tmp_path / "toy.md").read_text()
    assert "0.500 †" in page
    assert "-0.100 ▼" in page


def test_a_domain_cannot_name_a_file_elsewhere(row, tmp_path):
    board = tmp_path / "board"
    outside = row("finetune", 0, 0.8, domain="../../evil", task="../../evil/../x", backbone="../b")
    paths = [*render(board, [outside]), write_row(board, outside)]
    assert all(board in path.resolve().parents for path in paths)
    assert {path.name for path in tmp_path.iterdir()} == {"board"}


def test_the_page_says_what_each_source_model_knew_and_where_its_weights_come_from(row, tmp_path):
    known = {"score_matrix": ((0.8, 0.5), (0.7, 0.9)), "source_metric": "accuracy", "a_distance": 1.25}
    rows = [
        row("a", 0, 0.9, backbone="toy/one", **known),
        row("a", 0, 0.8, backbone="toy/other", weights="w.pth", source_mode="probe", **known),
    ]
    render(tmp_path, rows)
    page = (tmp_path / "toy.md").read_text()
    assert "Backbone toy/one; source accuracy 0.800; A-distance 1.25. Backbone toy/other from w.pth, probed; " in page


UNTIMED = {"p50_ms": None, "p50_ratio": None}


def test_a_latency_that_is_not_measured_yet_is_pending_and_the_row_counts(row, tmp_path):
    rows = [row("a", 0, 0.5, **UNTIMED), row("a", 1, 0.7), row("b", 0, 0.9, backbone="toy/other"), row("b", 1, None)]
    rows[-1] = dataclasses.replace(rows[-1], status="failed", p50_ms=None)
    render(tmp_path, rows)
    page = (tmp_path / "toy.md").read_text()
    note, table = page.partition("## Latency")[2].split("| task")[:2]
    assert "Latency is pending for 1 of 3 results" in note
    lines = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
    assert [[cell for cell in line if cell in ("pending", "0.500")] for line in lines if "toy/blobs" in line] == [
        ["pending"],
        ["0.500"],
    ]
    assert "Latency of toy/mlp at batch 1: pending." in (tmp_path / "toy.tex").read_text()
    (entry, _, _) = sorted(json.loads((tmp_path / "leaderboard.json").read_text()), key=lambda entry: -entry["seeds"])
    assert (entry["seeds"], entry["score"], entry["p50_ms"]) == (2, pytest.approx(0.6), None)
    assert [line["p50 (ms)"] for line in scored(rows)] == [0.5, "pending"]


def test_a_row_without_latency_shares_that_of_its_graph(row, tmp_path):
    timed = row("a", 0, 0.5, graph="g", provider="CPUExecutionProvider")
    render(tmp_path, [timed, row("b", 0, 0.5, graph="g", **UNTIMED)])
    page = (tmp_path / "toy.md").read_text()
    assert "Latency is pending for 1 of 2 results" in page
    assert page.count("| toy/blobs") == 1


def test_no_board_speaks_of_pending_when_all_is_measured(row, tmp_path):
    render(tmp_path, [row("a", 0, 0.5), row("b", 0, None, status="skipped", p50_ms=None)])
    assert not [path for path in tmp_path.iterdir() if "pending" in path.read_text()]


def test_of_many_older_rows_some_are_named_and_the_others_counted(row):
    rows = [row("a", 0, 0.5, key=f"{place:012}", created=f"2026-01-{place + 1:02}") for place in range(30)]
    with pytest.warns(UserWarning, match="left out") as warned:
        (entry,) = aggregate(rows)
    assert (entry.rows, len(warned)) == ((rows[-1],), 21)
