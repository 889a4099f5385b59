"""The benchmarks' contenders run: two steps of each, on small data."""

from __future__ import annotations

import bare
import limit
import numpy as np
import pytest
import torch
from contest import Line, Result, compared
from test_cells import dann_cells, fine_tune_cells, frozen_cells, strengths
from test_matrix import limit_matrix
from test_serving_speed import by_hand
from test_steps import steps_of
from torch import nn
from track import Track


@pytest.fixture(scope="module")
def small(catalog, tmp_path_factory):
    return Track(catalog, "toy/blobs", tmp_path_factory.mktemp("small"), seeds=(0,))


@pytest.mark.parametrize("cells", [frozen_cells, fine_tune_cells, dann_cells])
def test_every_contender_of_a_cell_adapts_and_says_how_well(small, cells):
    contenders = cells(small) if cells is frozen_cells else cells(small, steps=2)
    reports = {name: contender(0) for name, contender in contenders.items()}
    assert {"tlbench", "limit", "bare"} <= reports.keys()
    assert all(report["adapt"] >= 0 for report in reports.values())
    assert all(0 <= report.get("accuracy", 0) <= 1 for report in reports.values())


def test_the_limit_s_matrix_runs(small):
    limit_matrix(small, seeds=(0,), steps=2, new_encoder=lambda: small.source(0)[0])


def test_strengths_and_steps_run():
    random = np.random.default_rng(0)
    features, targets = random.normal(size=(60, 4)), np.arange(60) % 3
    for contender in [*strengths(features, targets, 3).values(), *steps_of(epochs=1).values()]:
        assert contender(0) == {}


def test_one_strength_of_the_ridge_is_the_solution_of_its_normal_equations():
    random = np.random.default_rng(0)
    features, labels = random.normal(size=(30, 4)), np.arange(30) % 3
    (weights,) = limit.ridge(features, labels, np.array([0.5]))
    expected = np.linalg.solve(features.T @ features + 0.5 * np.eye(4), features.T @ np.eye(3)[labels])
    assert np.allclose(weights, expected)


def test_the_limit_learns_what_the_plain_loop_learns(small):
    """Both follow one rule of updates; only their batches differ."""
    inputs, labels = small.split("source-train")
    for train in (
        lambda network: bare.fine_tune(network, inputs, labels, epochs=30, rate=1e-2),
        lambda network: limit.fine_tune(network, inputs, labels, steps=90, seed=0, half=False),
    ):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(inputs.shape[1], 16), nn.ReLU(), nn.Linear(16, 3))
        before = bare.accuracy(network, inputs, labels)
        train(network)
        assert bare.accuracy(network, inputs, labels) > before
        assert limit.accuracy(network, inputs, labels, half=False) == bare.accuracy(network, inputs, labels)


def test_a_hand_written_loop_times_an_exported_file(small, tmp_path):
    from tlbench.deploy.reference import reference_model

    small.run("source-only", 0)
    folder = small.exported("source-only", 0)
    assert by_hand(folder / "model.onnx", reference_model(tmp_path), folder / "latency.npz", queries=3, seconds=0) > 0


def test_a_line_is_reached_when_every_ratio_is_small_enough():
    line = compared(3, "work", 2.0, limit=(1.9, 1.10), bare=(4.0, 0.75))
    assert (line.reached, line.wanted) == (True, "1.10 limit, 0.75 bare")
    assert compared(3, "work", 2.0, limit=(1.5, 1.10), bare=(4.0, 0.75)).reached is False
    assert compared(3, "work", 2.0, limit=(1.5, None)).cells()["reached"] == ""
    assert Line(goal=1, what="", measured="", reached=False).cells()["reached"] == "NO"


def test_a_result_is_the_median_over_rounds():
    assert Result([{"seconds": 1.0}, {"seconds": 9.0}, {"seconds": 2.0}])["seconds"] == 2.0
