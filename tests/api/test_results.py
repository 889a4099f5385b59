"""`Results`: tables, the best, plots, and a board that is read back."""

from __future__ import annotations

import dataclasses
import sys

import pytest

import tlbench
from tlbench.api.best import best_of
from tlbench.leaderboard.pictures import FIGURES
from tlbench.results.columns import COLUMNS


@pytest.fixture
def results(run):
    return run(strategies=["finetune", "frozen"], seeds=2)


def test_results_are_the_rows(results):
    assert len(results) == len(list(results)) == len(results.rows) > 0
    assert {row.task for row in results} == {"toy/blobs"}


def test_a_frame_has_a_line_for_each_row_and_columns_of_the_board(results):
    pytest.importorskip("pandas")
    frame = results.to_frame()
    assert len(frame) == len(results)
    assert list(frame["score"]) == [row.score for row in results]
    assert list(frame["scores.accuracy"]) == [row.scores["accuracy"] for row in results]
    fields = [name.partition(".")[0] for name in frame.columns]
    order = [column.field for column in COLUMNS]
    assert fields == sorted(fields, key=order.index)
    assert set(frame[frame["strategy"] == "finetune"]["strategy_options.steps"]) == {2}


def test_a_frame_of_no_rows_has_columns(results):
    pytest.importorskip("pandas")
    assert "score" in dataclasses.replace(results, rows=()).to_frame().columns


@pytest.mark.parametrize(("missing", "ask"), [("pandas", "to_frame"), ("matplotlib", "plot")])
def test_a_missing_library_names_the_extra(results, monkeypatch, missing, ask):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(tlbench.UsageError, match=r"tlbench\[(notebook|plots)\]"):
        getattr(results, ask)()


def scored(row, **values):
    """Return a row with other values; its interval is narrow."""
    score = values.pop("score")
    return dataclasses.replace(row, score=score, score_low=score - 1e-4, score_high=score + 1e-4, **values)


def test_the_best_of_a_task_is_found_within_its_access_alone(results):
    """A clear winner, one that ties with it, and a better one that was given more."""
    first = next(row for row in results if row.strategy == "finetune")
    rows = [
        scored(first, strategy=name, access=access, seed=seed, score=score + shift * seed)
        for name, access, score, shift in [
            ("winner", ("target-labels",), 0.9, 0.001),
            ("tied", ("target-labels",), 0.8998, 0.0008),
            ("worse", ("target-labels",), 0.5, 0.001),
            ("spoilt", ("target-inputs", "target-labels"), 0.95, 0.001),
        ]
        for seed in range(3)
    ]
    best = {one.access: one for one in best_of(rows)}
    assert best["target-labels"].strategy == "winner"
    assert best["target-labels"].ties == ("tied",)
    assert best["target-labels"].compared == 3
    assert [row.seed for row in best["target-labels"].rows] == [0, 1, 2]
    assert best["target-inputs+target-labels"].strategy == "spoilt"
    assert best["target-inputs+target-labels"].line["not significantly different"] == "nothing compared"


def test_one_seed_decides_nothing(results):
    """Under one selection rule; those of the two are different, so that they are not compared otherwise."""
    assert {one.compared for one in results.best()} == {1}
    rows = [dataclasses.replace(row, selection="last") for row in results if row.seed == 0]
    (best,) = [one for one in best_of(rows) if one.compared == 2]
    assert {best.strategy, *best.ties} == {"finetune", "frozen"}
    assert "not significantly different" in repr(best_of(rows))


def test_a_baseline_is_nobody_s_choice(results):
    assert not {row.strategy for one in results.best() for row in one.rows if row.baseline}


@pytest.mark.parametrize("kind", FIGURES)
def test_a_plot_is_a_figure_or_says_that_there_is_nothing(results, kind):
    matplotlib = pytest.importorskip("matplotlib")
    if kind == "labels":  # One label budget is no curve.
        with pytest.raises(tlbench.UsageError, match="labels"):
            results.plot(kind)
        return
    # Beside their baselines, gaps are those that these close.
    closed = tuple(dataclasses.replace(row, gap_closed=0.5) for row in results if not row.baseline)
    figure = dataclasses.replace(results, rows=closed).plot(kind)
    assert isinstance(figure, matplotlib.figure.Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_an_unknown_plot_lists_the_others(results):
    with pytest.raises(tlbench.UnknownNameError, match="scores"):
        results.plot("score")


def test_the_text_is_the_table_of_the_command(results, capsys):
    from tlbench.cli.outcome import print_rows

    print_rows(results.rows, wide=True)
    assert repr(results).startswith(capsys.readouterr().out)


def test_what_a_row_says_means_nothing_in_html(results):
    evil = "<script>alert(1)</script>\x1b\u202e"
    failed = dataclasses.replace(results.rows[0], backbone=evil, status="failed", stage="adapt", reason=evil)
    shown = dataclasses.replace(results, rows=(failed, dataclasses.replace(results.rows[1], backbone=evil)))
    for text in (shown._repr_html_(), shown.best()._repr_html_()):
        assert "<script" not in text
        assert all(line.isprintable() for line in text.split("\n"))
    assert "&lt;script&gt;" in shown._repr_html_()
    assert all(line.isprintable() for line in repr(shown).split("\n"))


def test_a_board_is_read_back(results, tmp_path):
    loaded = tlbench.load(tmp_path / "board")
    assert {row.file_name for row in loaded} == {row.file_name for row in results}
    assert repr(loaded.best()) == repr(results.best())


def test_a_folder_that_is_not_there_or_empty_is_named(tmp_path):
    with pytest.raises(tlbench.UsageError, match="nowhere"):
        tlbench.load(tmp_path / "nowhere")
    with pytest.raises(tlbench.UsageError, match="No results"):
        tlbench.load(tmp_path)
