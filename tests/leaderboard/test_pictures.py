from __future__ import annotations

import py_compile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from support import run_python

from tlbench.errors import StoreError
from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.pictures import of_usual_budget
from tlbench.leaderboard.render import render
from tlbench.results.row import write_row

MAIN = "from tlbench.cli import main; main()"
BOUNDS = (("source-only", 0.4, ()), ("scratch", 0.5, ("target-labels",)), ("all-labels", 0.9, ("target-all-labels",)))


@pytest.fixture
def rows(row):
    """Two strategies and three bounds, three seeds each, and one that was skipped."""
    known = {"forgetting_head": 0.1, "forgetting_probe": 0.01, "gap_closed": 0.5, "p90_ms": 0.6, "p99_ms": 0.9}
    found = [row(name, seed, 0.6 + seed / 50, **known) for name in ("finetune", "frozen") for seed in range(3)]
    for name, score, access in BOUNDS:
        found += [row(name, seed, score, access=access, baseline=True, forgetting_head=0.0) for seed in range(3)]
    skipped = [row("adabn", seed, None, access=("target-inputs",), status="skipped", reason="No.") for seed in range(3)]
    return [*found, *skipped]


def texts(path: Path) -> set[str]:
    """Return what is written in a picture."""
    return {
        "".join(part.itertext()).strip() for part in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    }


def pictures(board: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (board / "plots").iterdir()}


def test_pages_show_the_pictures_of_their_rows_and_drawing_again_changes_nothing(rows, tmp_path):
    render(tmp_path, rows, plots=True)
    names = {f"toy-{name}.svg" for name in ("scores", "forgetting", "gap-closed", "cost")} | {
        "overview.svg",
        "latency.svg",
    }
    drawn = pictures(tmp_path)
    assert set(drawn) == names | {"drawn.json"}
    pages = (tmp_path / "toy.md").read_text() + (tmp_path / "README.md").read_text()
    assert all(f"(plots/{name})" in pages for name in names)
    render(tmp_path, rows[::-1], plots=True)
    assert pictures(tmp_path) == drawn


def test_a_picture_of_other_rows_is_not_shown(rows, row, tmp_path):
    render(tmp_path, rows, plots=True)
    render(tmp_path, rows)
    assert "plots/" in (tmp_path / "toy.md").read_text()
    render(tmp_path, [*rows, row("finetune", 3, 0.9)])
    assert "plots/" not in (tmp_path / "toy.md").read_text() + (tmp_path / "README.md").read_text()


def test_a_picture_that_was_removed_is_not_shown(rows, tmp_path):
    render(tmp_path, rows, plots=True)
    (tmp_path / "plots" / "toy-cost.svg").unlink()
    render(tmp_path, rows)
    page = (tmp_path / "toy.md").read_text()
    assert ("toy-cost" in page, "toy-scores" in page) == (False, True)


def test_pictures_that_were_drawn_only_in_part_are_shown_with_no_other_numbers(rows, row, tmp_path):
    render(tmp_path, rows, plots=True)
    (tmp_path / "plots" / "latency.svg").unlink()
    (tmp_path / "plots" / "latency.svg").mkdir()
    with pytest.raises(StoreError, match="could not be written"):
        render(tmp_path, [*rows, row("finetune", 3, 0.9)], plots=True)
    render(tmp_path, rows)
    assert "overview.svg" not in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize("index", ["{", "[]", '{"toy-scores.svg": null}'])
def test_a_damaged_index_is_as_good_as_none(rows, tmp_path, index):
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "drawn.json").write_text(index)
    render(tmp_path, rows)
    assert "plots/" not in (tmp_path / "toy.md").read_text()


def test_pictures_say_the_access_what_was_skipped_and_which_error_is_drawn(rows, tmp_path):
    render(tmp_path, rows, plots=True)
    written = texts(tmp_path / "plots" / "toy-scores.svg")
    assert written >= {
        "blobs",
        "accuracy",
        "finetune",
        "access: target labels",
        "baselines",
        "all-labels",
        "adabn",
        "skipped",
    }
    assert written >= {"mean over seeds", "95 % test interval", "each seed"}
    drawn = texts(tmp_path / "plots" / "overview.svg")
    assert drawn >= {"toy", "blobs", "access: target labels", "source model without adaptation"}
    assert "± sd over seeds" in texts(tmp_path / "plots" / "toy-forgetting.svg")


def test_a_bound_far_off_is_written_at_the_edge(rows, row, tmp_path):
    render(tmp_path, [*rows, row("constant", 0, 0.05, baseline=True)], plots=True)
    assert "‹ 0.050" in texts(tmp_path / "plots" / "toy-scores.svg")


def test_numbers_that_are_missing_leave_no_picture_or_a_picture_without_them(row, tmp_path):
    render(tmp_path, [row("a", 0, 0.5, score_low=None, score_high=None, seconds={}, p50_ms=None)], plots=True)
    assert set(pictures(tmp_path)) == {"toy-scores.svg", "toy-cost.svg", "overview.svg", "drawn.json"}


def test_names_are_drawn_as_they_are(row, tmp_path):
    evil = r"$\frac{$ <script>&amp; ünï"
    render(tmp_path, [row(evil, 0, 0.5)], plots=True)
    assert evil in texts(tmp_path / "plots" / "toy-scores.svg")


def test_a_colour_belongs_to_an_access_whatever_else_is_on_the_board(row):
    from tlbench.leaderboard.style import INK, shade

    accesses = [(), ("target-inputs",), ("target-labels",), ("source", "target-inputs"), ("target-inputs", "source")]
    rows = [row(f"s{place}", 0, 0.5, access=access) for place, access in enumerate(accesses)]
    colours = {entry.first.strategy: shade(entry) for entry in aggregate(rows)}
    assert colours["s3"] == colours["s4"]
    assert len(set(colours.values())) == 4
    assert {shade(entry) for entry in aggregate([row("scratch", 0, 0.5, baseline=True)])} == {INK}
    other = row("x", 0, 0.5, access=("source", "target-inputs", "target-labels"))
    among_others = {entry.first.strategy: shade(entry) for entry in aggregate([*rows, other])}
    assert [shade(entry) for entry in aggregate([other])] == [among_others["x"]]


def test_a_panel_has_no_line_for_what_another_backbone_ran(row, tmp_path):
    rows = [row("finetune", 0, 0.6, backbone="toy/a"), row("frozen", 0, 0.5, backbone="toy/b")]
    render(tmp_path, rows, plots=True)
    drawn = texts(tmp_path / "plots" / "toy-scores.svg")
    # A title of two lines is two texts.
    assert drawn >= {"blobs", "toy/a", "toy/b", "finetune", "frozen"}
    assert not any("finetune, toy" in text for text in drawn)


def test_of_many_strategies_the_best_of_each_access_are_drawn_and_the_picture_says_so(row, tmp_path):
    from tlbench.leaderboard.wording import MOST

    names = [f"strategy-{place:02}" for place in range(MOST)]
    rows = [row(name, 0, 0.5 + place / 100) for place, name in enumerate(names)]
    render(tmp_path / "few", rows, plots=True)
    assert texts(tmp_path / "few" / "plots" / "toy-scores.svg") >= set(names)
    render(tmp_path / "many", [*rows, row("adabn", 0, 0.4, access=("target-inputs",))], plots=True)
    drawn = texts(tmp_path / "many" / "plots" / "toy-scores.svg")
    assert drawn & set(names) == {names[-1]}
    assert "adabn" in drawn
    assert any("the tables have all" in text for text in drawn)


def test_the_picture_of_all_domains_shows_the_best_of_each_access_and_writes_scores_that_are_no_share(row, tmp_path):
    rows = [
        row("finetune", 0, 0.6),
        row("frozen", 0, 0.7),
        row("finetune", 0, -4.5, task="toy/text", metric="log-likelihood"),
    ]
    render(tmp_path, rows, plots=True)
    drawn = texts(tmp_path / "plots" / "overview.svg")
    assert any("log-likelihood: finetune -4.50" in text for text in drawn)


def test_pictures_but_that_of_labels_show_the_usual_label_budget_alone(row):
    rows = [row(name, seed, 0.5, label_budget=50) for name in ("finetune", "frozen") for seed in (0, 1)]
    rows += [row("finetune", seed, 0.9, label_budget=400) for seed in (0, 1)]
    rows += [row("source-only", seed, 0.4, (), baseline=True, label_budget=400) for seed in (0, 1)]
    entries = aggregate(rows)
    shown = {(entry.strategy.partition(" ")[0], entry.first.label_budget) for entry in of_usual_budget(entries)}
    assert shown == {("finetune", 50), ("frozen", 50), ("source-only", 400)}
    equal = [entry for entry in entries if entry.first.strategy == "finetune"]
    assert of_usual_budget(equal) == equal


def test_cost_names_the_strategies_that_no_cheaper_one_beats(row, tmp_path):
    scores = {"cheap": (0.5, 1.0), "worse": (0.4, 2.0), "better": (0.6, 3.0)}
    rows = [row(name, 0, score, seconds={"adapt": spent}) for name, (score, spent) in scores.items()]
    render(tmp_path, rows, plots=True)
    assert texts(tmp_path / "plots" / "toy-cost.svg") & set(scores) == {"cheap", "better"}


def test_a_user_s_own_settings_of_matplotlib_change_nothing(rows, tmp_path):
    import matplotlib as mpl

    render(tmp_path, rows, plots=True)
    drawn = pictures(tmp_path)
    with mpl.rc_context({"font.size": 30, "axes.grid": False, "svg.fonttype": "path"}):
        render(tmp_path, rows, plots=True)
        assert mpl.rcParams["font.size"] == 30
    assert pictures(tmp_path) == drawn


def test_without_matplotlib_one_sentence_says_what_to_install(row, tmp_path):
    write_row(tmp_path, row("finetune", 0, 0.5))
    done = run_python(
        f"import sys; sys.modules['matplotlib'] = None; {MAIN}", "leaderboard", "--plots", "--board", str(tmp_path)
    )
    assert (done.returncode, done.stderr) == (2, 'Error: Pictures need matplotlib: pip install "tlbench[plots]".\n')


def test_a_module_that_was_cut_short_is_not_taken_for_ctrl_c(row, tmp_path):
    write_row(tmp_path / "board", row("finetune", 0, 0.5))
    source = tmp_path / "site" / "matplotlib.py"
    source.parent.mkdir()
    source.write_text("whole = True\n")
    compiled = Path(py_compile.compile(str(source), cfile=f"{source}c", doraise=True))
    compiled.write_bytes(compiled.read_bytes()[:-4])
    source.unlink()
    done = run_python(MAIN, "leaderboard", "--plots", "--board", str(tmp_path / "board"), site=source.parent)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "EOFError: marshal data too short")
