"""Orders of backbones, and how well they agree with scores."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from tlbench.api.backbone_advice import CAUTION, remarks, table, verdict
from tlbench.engine.backbone_estimates import BackboneEstimates
from tlbench.leaderboard.advice.checkpoints import agreement, best_scores, order

SMALL = BackboneEstimates(backbone="small", weights=1_000_000, estimates={"logme": -0.2, "leep": -1.0})
LARGE = BackboneEstimates(backbone="large", weights=9_000_000, estimates={"logme": -0.5})
BROKEN = BackboneEstimates(backbone="broken", failed="No weights.")


@pytest.mark.parametrize("seed", range(4))
def test_agreement_is_kendalls_tau_with_ties(seed):
    """Concordant less discordant pairs, over the geometric mean of the pairs that each order does not tie."""
    random = np.random.default_rng(seed)
    one, other = ({name: float(random.integers(0, 4)) for name in "abcdefg"} for _ in range(2))
    signs = [(np.sign(one[a] - one[b]), np.sign(other[a] - other[b])) for a, b in combinations("abcdefg", 2)]
    untied = [sum(bool(pair[side]) for pair in signs) for side in (0, 1)]
    expected = sum(first * second for first, second in signs) / np.sqrt(untied[0] * untied[1])
    assert agreement(one, other | {"h": 9.0}) == pytest.approx(expected)


def test_values_that_are_all_equal_agree_with_nothing():
    assert agreement({"a": 1.0, "b": 1.0}, {"a": 1.0, "b": 2.0}) is None
    assert agreement({}, {}) is None


def test_the_highest_comes_first():
    assert order({"a": -1.0, "b": 0.5, "c": -1.0}) == ["b", "a", "c"]


def test_best_scores_are_means_over_seeds_of_what_had_target_labels(row):
    rows = [
        row(strategy, seed, score, access, backbone=backbone, baseline=baseline)
        for backbone, strategy, seed, score, access, baseline in [
            ("small", "finetune", 0, 0.6, ("target-labels",), False),
            ("small", "finetune", 1, 0.8, ("target-labels",), False),
            ("small", "frozen", 0, 0.65, ("target-labels",), False),
            ("small", "adabn", 0, 0.99, ("target-inputs",), False),
            ("large", "classical", 0, 0.99, ("target-labels",), True),
        ]
    ]
    assert best_scores(rows, rows[0].task) == {"small": pytest.approx(0.7)}
    assert best_scores(rows, "other/task") == {}


def test_equal_estimates_share_a_rank():
    estimates = {"a": -1.0, "b": -2.0, "c": -1.0, "d": -3.0}
    found = [BackboneEstimates(backbone=name, weights=1, estimates={"leep": one}) for name, one in estimates.items()]
    assert [line["leep"] for line in table(found)] == ["-1.000 (1)", "-2.000 (3)", "-1.000 (1)", "-3.000 (4)"]


def test_the_table_has_ranks_and_the_remarks_every_order():
    small, large, broken = table([SMALL, LARGE, BROKEN])
    assert (small["weights (M)"], small["logme"], small["leep"]) == (1.0, "-0.200 (1)", "-1.000 (1)")
    assert (large["logme"], large["leep"]) == ("-0.500 (2)", "-")
    assert (broken["weights (M)"], broken["logme"]) == (None, "-")
    said = remarks([SMALL, LARGE, BROKEN], "toy/blobs", [])
    assert said[:3] == [
        "Run both large, the largest, and small, first by 1 of 1 estimators: the orders do not agree.",
        "By size: large, small.",
        "By logme: small, large.",
    ]
    assert "No estimate of broken: No weights." in said
    assert said[-1] == CAUTION


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"size": {"a": 2.0, "b": 1.0}, "x": {"a": 2.0, "b": 1.0}},
            ["Run a first: it is the largest and first by 1 of 1"],
        ),
        (
            {
                "size": {"a": 2.0, "b": 1.0},
                "x": {"a": 0.0, "b": 1.0},
                "y": {"a": 0.0, "b": 1.0},
                "z": {"a": 1.0, "b": 0.0},
            },
            ["Run both a, the largest, and b, first by 2 of 3 estimators"],
        ),
        ({"size": {}, "x": {"a": 2.0, "b": 1.0}}, ["Run a first: it is first by 1 of 1 estimators"]),
        ({"size": {"a": 2.0, "b": 1.0}, "x": {"a": 1.0}}, []),
    ],
)
def test_what_to_run_follows_from_the_size_and_from_most_estimators(values, said):
    found = verdict(values)
    assert len(found) == len(said)
    assert all(one.startswith(start) for one, start in zip(found, said, strict=True))


def test_orders_are_held_against_scores_on_the_board(row):
    middle = BackboneEstimates(backbone="middle", weights=5_000_000, estimates={"logme": -0.3})
    rows = [
        row("finetune", 0, score, backbone=name) for name, score in {"small": 0.5, "middle": 0.7, "large": 0.9}.items()
    ]
    (said,) = [line for line in remarks([SMALL, middle, LARGE], rows[0].task, rows) if "Kendall" in line]
    assert "over 3 backbones" in said
    assert "size +1.00, logme -1.00" in said
