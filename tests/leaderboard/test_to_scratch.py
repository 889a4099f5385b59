"""The time to the score of scratch, from curves of both: in words, on pages and in a picture."""

from __future__ import annotations

import base64
import re

import pytest

from tlbench.leaderboard import to_scratch
from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.row_page import row_page
from tlbench.leaderboard.training_plot import training_picture
from tlbench.results.row_checks import wrong_fields

SCRATCH = ((0, 0.0, 0.1), (50, 5.0, 0.7), (100, 10.0, 0.6))
FAST = ((0, 0.0, 0.2), (50, 1.0, 0.6), (100, 2.0, 0.8))
SLOW = ((0, 0.0, 0.2), (100, 2.0, 0.59))


@pytest.fixture
def trained(row):
    def make(strategy, curve, seed=0, eager=None, **changes):
        score = curve[-1][2] if curve else 0.5
        made = {"baseline": strategy == "scratch", "eager_score": eager or score, "score_curve": curve}
        return row(strategy, seed, score, **made, **changes)

    return make


def test_the_first_snapshot_with_the_score_counts(trained):
    found = to_scratch.compared(trained("finetune", FAST), trained("scratch", SCRATCH))
    assert (found.score, found.steps, found.seconds, found.share) == (0.6, 50, 1.0, 0.1)
    said = to_scratch.in_words(trained("finetune", FAST), trained("scratch", SCRATCH))
    assert "0.600, after 1 s and 50 steps: 10 % of the time of scratch, which took 10 s and 100 steps." in said


def test_scratch_may_have_its_own_final_score_before_its_end(trained):
    scratch = trained("scratch", SCRATCH)
    assert "its own final score, 0.600, after 5 s" in to_scratch.in_words(scratch, scratch)


def test_a_score_that_was_there_and_is_lost_is_said_to_be_so(trained):
    lost = trained("finetune", (*FAST[:2], (100, 2.0, 0.55)))
    assert to_scratch.in_words(lost, trained("scratch", SCRATCH)).endswith("It ends below, with 0.550.")


def test_a_score_that_is_not_reached_is_said_to_be_so(trained):
    found = to_scratch.compared(trained("finetune", SLOW), trained("scratch", SCRATCH))
    assert (found.steps, found.seconds, found.share) == (None, None, None)
    assert "did not reach the score of scratch, 0.600" in to_scratch.in_words(
        trained("finetune", SLOW), trained("scratch", SCRATCH)
    )


@pytest.mark.parametrize(("curve", "scratch"), [((), SCRATCH), (FAST, ()), (FAST, None)])
def test_without_two_curves_nothing_is_said(trained, curve, scratch):
    beside = None if scratch is None else trained("scratch", scratch)
    assert to_scratch.in_words(trained("finetune", curve), beside) == ""


def test_a_board_says_it_for_all_seeds(trained):
    rows = [trained("scratch", SCRATCH, seed) for seed in (0, 1)]
    rows += [trained("finetune", curve, seed) for seed, curve in enumerate((FAST, SLOW))]
    rows += [trained("frozen", curve, seed) for seed, curve in enumerate((FAST, ()))]
    rows += [trained("probe", FAST, seed, label_budget=7) for seed in (0, 1)]
    said = to_scratch.sentences(aggregate(rows))
    assert [line for line in said if line.startswith("finetune")] == [
        "finetune first had the score of scratch after 10 % of the training time of scratch and 50 % of its steps "
        "(1 of 2 seeds)."
    ]
    assert [line for line in said if line.startswith("scratch had its own final score first after 50 %")]
    # One has a seed without a curve, the other has no scratch with as many labels.
    assert len(said) == 2


def test_a_curve_must_end_with_the_score_and_not_go_back_in_time(trained):
    assert [*wrong_fields(trained("finetune", FAST))] == []
    (wrong,) = wrong_fields(trained("finetune", (*FAST[:2], (100, 0.5, 0.8))))
    assert wrong[0] == "seconds of the score_curve"
    (wrong,) = wrong_fields(trained("finetune", FAST, eager=0.7))
    assert wrong[0] == "score_curve"


def test_the_page_has_the_picture_the_points_and_the_sentence(trained, tmp_path):
    loss = (1.0, 0.6, 0.4)
    one, scratch = (
        trained("finetune", FAST, training_loss=loss, training_scores=(0.5,) * len(FAST)),
        trained("scratch", SCRATCH),
    )
    text = row_page(one, tmp_path, {}, {}, [], "", scratch)
    assert "the score of scratch, 0.600" in text
    assert "<td>50</td><td>1</td><td>0.6</td><td>0.5</td>" in text
    picture = base64.b64decode(re.search(r"image/svg\+xml;base64,([^\"]+)", text)[1]).decode()
    assert all(
        part in picture
        for part in ("training loss", "scratch at its end", "finetune, target test split", "on its training labels")
    )
    assert training_picture(one, scratch) == picture.encode()
    alone = row_page(trained("finetune", (), training_loss=loss), tmp_path, {}, {}, [], "")
    assert "tlbench run --curves measures it" in alone
    assert "<h2>Training</h2>" not in row_page(trained("frozen", ()), tmp_path, {}, {}, [], "")
