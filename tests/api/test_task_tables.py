"""The tables of a terminal: their lines fit it, and their numbers are those of the boards."""

from __future__ import annotations

import dataclasses

import pytest

from tlbench.api.task_tables import task_sections
from tlbench.api.wrapping import cells, wrapped
from tlbench.leaderboard.wording import LONGEST, on_one_line
from tlbench.results.row import Row

EVIL = "\x1b]8;;x\u202e"
WIDE = "微调-学习率-很小-的-方法-名字-很长"


@pytest.fixture
def row(blobs, settings) -> Row:
    return Row(
        **{**blobs.row_fields(settings), "status": "ok", "score": 0.5, "score_low": 0.4, "score_high": 0.6},
        test_size=100,
        forgetting_head=0.1,
        forgetting_probe=0.05,
        p50_ms=0.5,
        latency={},
    )


def without_score(row: Row, **fields: object) -> Row:
    none = dict.fromkeys(("score", "score_low", "score_high", "forgetting_head", "forgetting_probe", "p50_ms"))
    return dataclasses.replace(row, **{**none, **fields})


def sections(rows, monkeypatch, width=80) -> dict[str, list[str]]:
    monkeypatch.setenv("COLUMNS", str(width))
    return dict(task_sections(rows))


def rest(lines: list[str], first: str) -> str:
    """Return what stands behind a name."""
    return next(line.strip().removeprefix(first) for line in lines if line.strip().startswith(first))


def test_a_task_has_a_heading_with_metric_and_test_examples_and_four_columns(row, monkeypatch):
    ((title, lines),) = sections([row], monkeypatch).items()
    assert title == "toy/blobs, toy/mlp"
    assert lines[0].startswith("Score: accuracy on 100 target test examples")
    head = lines.index("") + 1
    assert lines[head].split() == ["score", "forgetting", "p50"]
    assert lines[head + 1].split() == ["strategy", "(test", "95", "%)", "(source", "head)", "(ms)"]
    assert rest(lines, "finetune").split() == ["0.500", "(0.400", "to", "0.600)", "0.100", "0.500"]


def test_forgetting_is_that_of_the_probe_if_there_is_no_source_head(row, monkeypatch):
    ((_, lines),) = sections([dataclasses.replace(row, forgetting_head=None)], monkeypatch).items()
    assert any("(probe)" in line for line in lines)
    assert rest(lines, "finetune").split()[-2] == "0.050"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_lines_fit_the_terminal_and_columns_stand_below_each_other(row, monkeypatch, width):
    rows = [
        dataclasses.replace(row, strategy=name, backbone=backbone)
        for name in ("finetune", WIDE, "a-name-that-is-longer-than-the-column-of-a-narrow-terminal")
        for backbone in ("toy/mlp", "图像/网络")
    ]
    rows.append(without_score(row, strategy="adabn", status="failed", stage="adapt", reason="No good. " * 20))
    ((title, lines),) = sections(rows, monkeypatch, width).items()
    assert title == "toy/blobs"
    assert all(cells(line) <= width for line in lines)
    numbers = [line for line in lines if line.endswith(" 0.500")]
    assert (len(numbers), len({cells(line) for line in numbers})) == (6, 1)
    # A name has its numbers beside it or below.
    named = [next(at for at, line in enumerate(lines) if line.strip().startswith(row.strategy)) for row in rows[:6:2]]
    assert all(numbers[0][-9:] in lines[at] + lines[at + 1] for at in named)
    assert [line for line in lines if "access:" in line] == [
        "toy/mlp, access: target labels",
        "图像/网络, access: target labels",
    ]


def test_what_was_skipped_takes_one_line_a_task(row, monkeypatch):
    skipped = [
        without_score(row, strategy=name, status="skipped", reason=f'"{name}" needs source data; "toy/blobs" has none.')
        for name in ("adversarial", "adabn")
    ]
    other = without_score(row, strategy="frozen", status="skipped", reason="It has no head.")
    ((_, lines),) = sections([*skipped, other, row], monkeypatch).items()
    assert lines[-1] == "3 skipped: needs source data (adabn, adversarial); It has no head (frozen)"
    ((_, alone),) = sections(skipped, monkeypatch).items()
    assert alone == ["2 skipped: needs source data (adabn, adversarial)"]


def test_what_failed_has_its_reason_and_what_to_do(row, monkeypatch):
    reason = "The loss is nan at step 2. Lower the learning rate."
    rows = [without_score(row, status="failed", stage="adapt", reason=reason, seed=seed) for seed in (0, 1)]
    ((_, lines),) = sections(rows, monkeypatch).items()
    assert " ".join(line.strip() for line in lines) == f"failed in adapt: finetune, seeds 0, 1: {reason}"


def test_what_failed_for_the_same_reason_takes_one_line(row, monkeypatch):
    names = ("finetune", "frozen", "lora")
    rows = [
        without_score(row, strategy=name, status="failed", stage="prepare" if name != "lora" else "adapt", reason="No.")
        for name in names
    ]
    ((_, lines),) = sections(rows, monkeypatch).items()
    assert sorted(lines) == ["failed in adapt: lora, seed 0: No.", "failed in prepare: finetune, frozen, seed 0: No."]


def test_a_long_refusal_is_wrapped_and_keeps_its_advice(row, monkeypatch):
    advice = "use a checkpoint of this depth, or start from what fits with --set backbone.partial=true."
    reason = (
        f'"w.pt" fits timm/resnet18 in part: {"12 weights are missing, among them layer4.1.bn2.bias; " * 5}{advice}'
    )
    failed = without_score(row, status="failed", stage="source", reason=reason)
    skipped = without_score(row, status="skipped", reason=reason, strategy="frozen")
    ((_, lines),) = sections([failed, skipped], monkeypatch).items()
    assert all(cells(line) <= 80 for line in lines)
    said = " ".join(line.strip() for line in lines)
    assert said.count(advice.removesuffix(".")) == 2


def test_one_group_is_not_several(row):
    from tlbench.leaderboard.aggregate import aggregate
    from tlbench.leaderboard.wording import task_facts

    facts = [task_facts(aggregate([dataclasses.replace(row, groups=number)])) for number in (1, 4)]
    assert ["examples in 1 group;" in facts[0], "examples in 4 groups;" in facts[1]] == [True, True]


def test_nothing_that_a_row_says_reaches_the_terminal_as_more_than_text(row, monkeypatch):
    hostile = {"strategy": EVIL, "backbone": EVIL}
    rows = [
        dataclasses.replace(row, **hostile, task=f"toy/{EVIL}"),
        without_score(row, **hostile, status="failed", stage="adapt", reason=EVIL),
        without_score(row, **hostile, status="skipped", reason=EVIL, seed=1),
    ]
    for title, lines in sections(rows, monkeypatch).items():
        assert all(line.isprintable() for line in [title, *lines])


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("One. Two.", "One. Two."),
        ("KeyError: 'x'\nmore", "KeyError: 'x' more"),
        (f"{'a' * LONGEST}: use b.", f"{'a' * (LONGEST // 2)} ... {'a' * (LONGEST // 2 - 8)}: use b."),
        ("", ""),
    ],
)
def test_a_reason_has_one_line_and_keeps_its_end(text, first):
    assert on_one_line(text) == first


def test_wrapped_lines_count_cells():
    assert wrapped("学习 学习 学习", 10, "  ") == ["学习 学习", "  学习"]
    assert wrapped("  one two", 7, "  ") == ["  one", "    two"]
    assert wrapped("/a/long/path/x", 5) == ["/a/long/path/x"]
    assert wrapped(" " * 9, 5) == [""]
