from __future__ import annotations

import math

import numpy as np
import pytest

from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.ranks import STUDENT, Difference, difference, undecided
from tlbench.leaderboard.render import render
from tlbench.results.files import file_sha256
from tlbench.results.row import write_row
from tlbench.results.row_files import read_rows


@pytest.fixture
def ranks(row):
    """Return the ranks of strategies with these scores, a score a seed, and this half-width of the test interval."""

    def found(half_width: float = 0.001, **scores: list[float]) -> dict[str, int | None]:
        rows = [
            row(name, seed, score, score_low=score - half_width, score_high=score + half_width)
            for name, values in scores.items()
            for seed, score in enumerate(values)
        ]
        return {entry.strategy: entry.rank for entry in aggregate(rows)}

    return found


def test_a_clear_difference_is_ranked(ranks):
    assert ranks(a=[0.80, 0.81, 0.82], b=[0.70, 0.71, 0.72], c=[0.60, 0.61, 0.62]) == {"a": 1, "b": 2, "c": 3}


def test_a_difference_that_changes_sign_over_seeds_is_none(ranks):
    assert ranks(a=[0.80, 0.70, 0.82], b=[0.72, 0.79, 0.75]) == {"a": 1, "b": 1}


def test_seeds_are_paired(ranks):
    """Both vary by 0.3 over seeds, but always together."""
    assert ranks(a=[0.50, 0.65, 0.80], b=[0.48, 0.63, 0.78]) == {"a": 1, "b": 2}


def test_a_small_test_split_decides_nothing_that_its_error_covers(ranks):
    assert ranks(half_width=0.1, a=[0.80, 0.81, 0.82], b=[0.70, 0.71, 0.72]) == {"a": 1, "b": 1}


def test_one_seed_decides_nothing(ranks):
    assert ranks(a=[0.9], b=[0.1]) == {"a": 1, "b": 1}


def test_who_is_alone_has_no_rank_and_neither_has_a_reference(row):
    rows = [
        row("a", 0, 0.5),
        row("b", 0, 0.9, access=("target-inputs",)),
        row("c", 0, 0.9, label_budget=7),
        row("d", 0, 0.9, task_options={"shift": 2}),
        row("constant", 0, 0.1, baseline=True),
        row("scratch", 0, 0.4, baseline=True),
    ]
    assert {entry.rank for entry in aggregate(rows)} == {None}


@pytest.fixture
def published(row, tmp_path):
    """Publish rows whose draws err on the same examples, and return the entries of the board."""

    def publish(common: float = 0.08, split: str = "a" * 64, keep=lambda strategy: True, **scores: list[float]):
        random = np.random.default_rng(3)
        test = common * random.normal(size=2000)
        for name, values in scores.items():
            for seed, score in enumerate(values):
                fields = {"score_low": score - 0.1, "score_high": score + 0.1, "test_sha256": split}
                path = (tmp_path / "rows" / row(name, seed, score).file_name).with_suffix(".npz")
                path.parent.mkdir(parents=True, exist_ok=True)
                draws = score + test + 0.002 * random.normal(size=2000)
                np.savez_compressed(
                    path, predictions=np.ones(3), **({"draws": np.float32(draws)} if keep(name) else {})
                )
                write_row(tmp_path, row(name, seed, score, predictions_sha256=file_sha256(path), **fields))
        return aggregate(read_rows(tmp_path), tmp_path)

    return publish


SCORES = {"a": [0.80, 0.81, 0.82], "b": [0.75, 0.765, 0.77]}


def test_what_errs_on_the_same_examples_is_told_apart(published):
    """Each interval is 0.2 wide, but the difference is the same on every test set."""
    first, second = published(**SCORES)
    gap = difference(first, second)
    assert (gap.paired, gap.decided) == (True, True)
    assert gap.test_error == pytest.approx(1.96 * 0.002 * math.sqrt(2 / 3), rel=0.1)
    assert (first.rank, second.rank) == (1, 2)


def test_without_the_draws_of_both_the_test_intervals_are_added(published):
    first, second = published(**SCORES, keep=lambda strategy: strategy == "a")
    gap = difference(first, second)
    assert (gap.paired, gap.decided, gap.test_error) == (False, False, pytest.approx(math.hypot(0.1, 0.1)))


def test_draws_on_other_test_splits_are_not_paired(published, row):
    published(a=SCORES["a"])
    first, second = published(b=SCORES["b"], split="b" * 64)
    assert not difference(first, second).paired


def test_rows_of_no_board_and_replaced_predictions_are_not_paired(published, tmp_path):
    first, second = published(**SCORES)
    assert not difference(*aggregate([*first.rows, *second.rows])).paired
    rows = [*first.rows, *second.rows]
    np.savez_compressed((tmp_path / "rows" / rows[0].file_name).with_suffix(".npz"), draws=np.zeros(2000, np.float32))
    assert not difference(*aggregate(rows, tmp_path)).paired


def test_the_page_ranks_by_paired_differences_and_names_upper_bounds(published, tmp_path):
    published(**SCORES)
    render(tmp_path, list(read_rows(tmp_path)))
    assert "not significantly different:" not in (tmp_path / "toy.md").read_text()
    for path in tmp_path.glob("rows/*/*.npz"):
        path.unlink()
    render(tmp_path, list(read_rows(tmp_path)))
    assert "(an upper bound: their errors are not compared by test example)" in (tmp_path / "toy.md").read_text()


def test_the_page_names_ties_and_what_would_decide_them(row, tmp_path):
    scores = {"a": [0.80, 0.74, 0.82], "b": [0.76, 0.75, 0.74]}
    rows = [row(name, seed, score) for name, values in scores.items() for seed, score in enumerate(values)]
    ((above, below, gap),) = undecided(aggregate(rows))
    assert (above.strategy, below.strategy, gap.mean) == ("a", "b", pytest.approx(0.11 / 3))
    render(tmp_path, rows)
    page = (tmp_path / "toy.md").read_text()
    bound = "(an upper bound: their errors are not compared by test example)"
    assert f"a and b are not significantly different: they differ by 0.037 ± {gap.error():.3f} {bound}; about" in page
    assert page.count("**a**") == page.count("**b**") == 1


def test_the_error_joins_seeds_and_test_split():
    gap = Difference(mean=0.1, spread=0.05, test_error=0.03, seeds=5)
    assert gap.error() == pytest.approx(math.hypot(2.78 * 0.05 / math.sqrt(5), 0.03), abs=1e-3)


def test_the_seeds_that_would_decide_are_the_fewest():
    gap = Difference(mean=0.03, spread=0.05, test_error=0.01, seeds=5)
    needed = gap.seeds_to_decide()
    assert not gap.decided
    assert needed is not None
    assert gap.error(needed) < 0.03 <= gap.error(needed - 1)
    assert Difference(mean=0.03, spread=0.05, test_error=0.03, seeds=5).seeds_to_decide() is None


def test_quantiles_are_student_s():
    from scipy import stats

    for freedom, quantile in enumerate(STUDENT[1:], start=1):
        exact = stats.t.ppf(0.975, freedom)
        assert exact <= quantile < exact + 0.011


def test_ties_over_several_backbones_name_them(row, tmp_path):
    rows = [row("a", 0, 0.9, backbone="toy/one"), row("a", 0, 0.8, backbone="toy/other")]
    render(tmp_path, rows)
    page = (tmp_path / "toy.md").read_text()
    assert "a on toy/one and a on toy/other are not significantly different" in page


@pytest.mark.parametrize("changed", [{"files": "one folder"}, {"weights": "w.pth", "weights_sha256": "0123456789"}])
def test_one_name_for_other_contents_is_another_entry(row, changed):
    rows = [row("a", 0, 0.9), row("source-only", 0, 0.5, baseline=True), row("a", 0, 0.1, **changed)]
    first, second, _ = aggregate(rows)
    assert [(len(entry.rows), len(entry.over_source_only)) for entry in (first, second)] == [(1, 1), (1, 0)]
    assert first.strategy != second.strategy
    assert (first.contest == second.contest) == ("files" not in changed)
