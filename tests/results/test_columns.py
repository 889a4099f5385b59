"""The column table: every field of a row is in it, and every output takes its headings from it."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from pathlib import Path

import pytest

from tlbench.api.tables import scored
from tlbench.cli.row_card import row_sections
from tlbench.leaderboard import aggregate as aggregates
from tlbench.leaderboard import latex, markdown, wording
from tlbench.leaderboard.aggregate import COMPUTED
from tlbench.leaderboard.render import render
from tlbench.results import columns as table
from tlbench.results.columns import (
    BRIEF,
    COLUMNS,
    FILES,
    GROUPS,
    LATENCY,
    NOWHERE,
    RESULTS,
    TERMINAL,
    Column,
    columns,
    legend,
)
from tlbench.results.row import Row

FIELDS = {field.name for field in dataclasses.fields(Row)}


@pytest.fixture
def rows(blobs, settings):
    """Rows of two seeds, with a value in every field that boards show."""
    values = {
        "score": 0.5, "score_low": 0.4, "score_high": 0.6, "test_size": 100, "transfer_gain": -0.1, "gap_closed": 0.5,
        "forgetting_head": 0.1, "forgetting_probe": 0.05, "p50_ms": 0.5, "p90_ms": 0.6, "p99_ms": 0.7, "p50_ratio": 2.0,
        "throughput_per_s": 1e5, "shapes": ((1, 6),), "provider": "CPUExecutionProvider", "onnx_bytes": 4000,
        "seconds": {"adapt": 1.5}, "scores": {"success": 0.25},
        "groups": 12, "worst_group": "anna", "worst_group_score": 0.2, "worst_group_low": 0.1, "worst_group_high": 0.3,
        "worst_group_size": 25,
        "estimates": {"leep": -0.5}, "analyses": {"cka": {"block-1": 0.5}},
    }  # fmt: skip
    fields = {**blobs.row_fields(settings), "status": "ok"}
    made = [
        Row(**{**fields, **values, "strategy": name, "seed": seed, "access": access, "backbone": backbone})
        for name, access in (("finetune", ("target-labels",)), ("frozen", ("target-labels",)), ("source-only", ()))
        for seed in range(2)
        for backbone in ("toy/mlp", "toy/other")
    ]
    return [*made, dataclasses.replace(made[0], machine="another")]


def test_every_field_of_a_row_and_every_computed_value_has_one_column():
    names = [column.field for column in COLUMNS]
    assert len(names) == len(set(names))
    assert set(names) >= FIELDS
    assert set(names) - FIELDS <= {*COMPUTED, *wording.TEXTS}
    assert set(COMPUTED) <= set(names)
    assert set(wording.TEXTS) <= set(names)


def test_columns_of_a_place_can_be_told_apart():
    for shown in (FILES, RESULTS, LATENCY, TERMINAL, BRIEF):
        titles = [column.title for column in columns(shown)]
        assert len(titles) == len(set(titles)) > 3
    for group in GROUPS:
        headings = [column.heading for column in COLUMNS if column.group == group]
        assert len(headings) == len(set(headings)) > 0
    assert {column.group for column in COLUMNS} == set(GROUPS)


def test_every_number_of_a_board_is_explained():
    texts = {"task", "backbone", "strategy", "machine", "shapes", "provider", "scores", "onnx_kb"}
    shown = {column.field for column in COLUMNS if (RESULTS | LATENCY) & column.shown}
    assert {column.field for column in COLUMNS if column.legend} == shown - texts


def header(text, first):
    """Return the headings of the Markdown table that has one of this name."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return next(line for line in lines if first in line)


def test_csv_and_json_are_headed_by_the_table(rows, tmp_path):
    render(tmp_path, rows)
    fields = [column.field for column in columns(FILES)]
    records = json.loads((tmp_path / "leaderboard.json").read_text())
    assert {tuple(record) for record in records} == {tuple(fields)}
    head = next(csv.reader((tmp_path / "toy.csv").open()))
    named = ("flags", "scores", "estimates", "analyses")
    assert [name for name in head if not name.startswith(named)] == [name for name in fields if name not in named]
    assert {"scores.success", "estimates.leep", "analyses.cka.block-1"} <= set(head)
    assert records[0]["analyses"] == {"cka.block-1": 0.5}


def test_markdown_latex_and_legend_are_headed_by_the_table(rows, tmp_path):
    render(tmp_path, rows)
    page, tex = (tmp_path / "toy.md").read_text(), (tmp_path / "toy.tex").read_text()
    titles = [column.title if column.field != "scores" else "success" for column in columns(RESULTS)]
    assert header(page, "strategy") == titles
    assert header(page, "inputs") == [column.title for column in columns(LATENCY)]
    assert legend() in page
    top = [
        column.latex[0] if column.latex else "success"
        for column in columns(RESULTS)
        if column.latex or column.field == "scores"
    ]
    assert " & ".join(top) + r" \\" in tex


def test_the_card_of_a_row_and_the_terminal_are_headed_by_the_table(rows):
    sections = row_sections(rows[0])
    assert [*sections] == [group for group in GROUPS if group in sections]
    for group, facts in sections.items():
        assert set(facts) <= {column.heading for column in COLUMNS if column.group == group}
    (shown, *_) = scored([*rows, dataclasses.replace(rows[0], backbone="toy/other")])
    assert list(shown) == [column.title for column in columns(TERMINAL)]
    alone = [row for row in rows if row.backbone == rows[0].backbone]
    assert "backbone" not in scored(alone)[0]


def test_a_new_column_is_a_field_of_the_row_and_one_line(rows, tmp_path, monkeypatch):
    """The field `mean_ms` is on the row and shown on no board."""
    line = Column(
        "mean_ms",
        "average latency",
        table.SPEED,
        "ms",
        FILES | RESULTS | TERMINAL,
        ("Average", "ms"),
        "A mean.",
        digits=1,
    )
    others = [column for column in COLUMNS if column.field != "mean_ms"]
    assert next(column for column in COLUMNS if column.field == "mean_ms").shown == NOWHERE
    monkeypatch.setattr(table, "COLUMNS", (*others, line))
    monkeypatch.setattr("tlbench.cli.row_card.COLUMNS", table.COLUMNS)
    made = [dataclasses.replace(row, mean_ms=0.25 + row.seed) for row in rows]
    render(tmp_path, made)
    page, tex = (tmp_path / "toy.md").read_text(), (tmp_path / "toy.tex").read_text()
    assert header(page, "strategy")[-1] == "average latency (ms)"
    assert "| average latency (ms) | A mean. |" in page
    assert re.search(r"& Average \\\\\n.*& ms \\\\", tex)
    assert re.search(r"^finetune.*& 0\.8 \\\\$", tex.replace(r"\textbf{", "").replace("}", ""), re.MULTILINE)
    assert json.loads((tmp_path / "leaderboard.json").read_text())[0]["mean_ms"] == 0.75
    assert "mean_ms" in (tmp_path / "toy.csv").read_text().splitlines()[0]
    assert row_sections(made[0])["latency"]["average latency"] == "0.25 ms"
    assert scored(made)[0]["average latency (ms)"] == 0.75


def test_no_format_has_a_list_of_columns_of_its_own():
    """Modules that write tables name headings of no number."""
    titles = {column.title for column in COLUMNS if column.legend and " " in column.title}
    for module in (latex, markdown, wording, aggregates):
        text = Path(module.__file__).read_text()
        assert [title for title in titles if f'"{title}"' in text] == []


def test_the_readme_explains_the_columns_in_the_same_words():
    readme = Path(__file__).parent.parent.parent / "README.md"
    assert legend() in readme.read_text()
