"""The anomaly plugin: generated flows, backbone, and a pairing from end to end."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score

from tlbench import BadInputError, BuildRequest, FitRequest, LoadRequest, PrepareRequest
from tlbench.planning.catalog import load_catalog
from tlbench_anomaly.backbones import mlp
from tlbench_anomaly.tasks import flows

REQUEST = LoadRequest(task="anomaly/flows", options={}, data_root=None)


@pytest.fixture(scope="module")
def data():
    return flows.load(REQUEST)


def column(split, name):
    return split.inputs[:, flows.FEATURES.index(name)]


def test_the_data_has_the_sizes_and_the_attacks_that_its_spec_tells(data):
    sides = ((data.source, (4000, 3000), 0.10), (data.target, (4000, 4000), 0.05))
    for side, sizes, prevalence in sides:
        for split, size in zip((side.train, side.test), sizes, strict=True):
            assert split.inputs.shape == (size, 20)
            assert split.inputs.dtype == np.float32
            assert np.isfinite(split.inputs).all()
            assert split.labels.sum() == size * prevalence


def test_ratios_are_ratios_and_every_flow_has_one_class_of_port(data):
    for split in (data.source.train, data.target.train):
        ports = np.stack([column(split, f"port-{name}") for name in flows.PORTS], 1)
        assert (ports.sum(1) == 1).all()
        for name in ("syn", "reset", "failures"):
            assert ((column(split, name) >= 0) & (column(split, name) <= 1)).all()
        datagrams = column(split, "tcp") == 0
        assert (column(split, "syn")[datagrams] == 0).all()


def test_sizes_gaps_and_counts_of_a_flow_agree(data):
    """Mean packet size times packets is bytes; mean gap times packets is duration."""
    for split in (data.source.train, data.target.train):
        packets = 10 ** column(split, "log-packets-out") + 10 ** column(split, "log-packets-in")
        size = 10 ** column(split, "log-bytes-out") + 10 ** column(split, "log-bytes-in")
        assert np.log10(size / packets) == pytest.approx(column(split, "log-packet-size"), abs=1e-4)
        assert column(split, "log-duration") - np.log10(packets) == pytest.approx(column(split, "log-gap"), abs=1e-4)
        assert column(split, "log-packets-out").min() >= 0


def test_the_source_is_learnable_and_not_solved_and_the_target_is_another_matter(data):
    """Trees trained on the source rank its attacks well below perfectly, and the target's much worse."""
    trees = HistGradientBoostingClassifier(random_state=0).fit(data.source.train.inputs, data.source.train.labels)
    scores = [
        average_precision_score(split.labels, trees.predict_proba(split.inputs)[:, 1])
        for split in (data.source.test, data.target.train)
    ]
    assert 0.8 < scores[0] < 0.97
    assert 0.05 < scores[1] < scores[0] - 0.15


def rows_of(size, width, seed=0):
    return (100 + 7 * np.random.default_rng(seed).standard_normal((size, width))).astype(np.float32)


def fitted_to(rows):
    return mlp.fit(FitRequest(inputs=rows, options={}))


def prepared(rows, fitted):
    return mlp.prepare(PrepareRequest(inputs=rows, fitted=fitted, layout="pooled", options={}))[0]


def encoder_for(fitted):
    torch.manual_seed(0)
    return mlp.build(BuildRequest(fitted=fitted, layout="pooled", options={"width": 16}))


@settings(max_examples=25, deadline=None)
@given(size=st.integers(2, 40), width=st.integers(1, 50))
def test_rows_of_any_width_have_features_and_gradients(size, width):
    rows = rows_of(size, width)
    fitted = fitted_to(rows)
    features = encoder_for(fitted).train()(torch.from_numpy(prepared(rows, fitted)))
    features.sum().backward()
    assert features.shape == (size, 8)
    assert torch.isfinite(features).all()


def test_a_missing_value_counts_as_the_source_mean_and_a_huge_one_as_six_deviations():
    rows = rows_of(500, 3)
    fitted = fitted_to(rows)
    mean, std = np.array(fitted["mean"]), np.array(fitted["std"])
    encoder = encoder_for(fitted).eval()

    def features(row):
        return encoder(torch.from_numpy(prepared([row], fitted)))[0].tolist()

    assert features([np.nan, 1.0, 2.0]) == pytest.approx(features([mean[0], 1.0, 2.0]), abs=1e-5)
    assert features([np.inf, 1.0, 2.0]) == pytest.approx(features([mean[0] + 6 * std[0], 1.0, 2.0]), abs=1e-4)
    assert features([-1e30, 1.0, 2.0]) == pytest.approx(features([mean[0] - 6 * std[0], 1.0, 2.0]), abs=1e-4)


def test_statistics_pass_over_missing_values_and_leave_constant_columns_alone():
    rows = rows_of(500, 4)
    rows[0, 0], rows[1, 0], rows[:, 1], rows[:, 2] = np.nan, np.inf, 0.1, np.nan
    fitted = fitted_to(rows)
    assert fitted["mean"][0] == pytest.approx(100, abs=2)
    assert fitted["std"][0] == pytest.approx(7, abs=1)
    assert fitted["std"][1:3] == [1.0, 1.0]
    assert np.isfinite(prepared(rows[:1], fitted)).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [([[1.0, 2.0]], "the 3 columns of"), ([[1.0], [1.0, 2.0]], "the 3 columns of"), ([[[1.0]]], "the 3 columns of")],
)
def test_rows_of_another_shape_are_refused(wrong, says):
    fitted = fitted_to(rows_of(5, 3))
    with pytest.raises(BadInputError, match=says):
        prepared(wrong, fitted)


def test_attacks_are_found_by_normal_flows_alone_and_who_needs_labels_is_skipped(run_pairings):
    rows = run_pairings(load_catalog(), tasks=["anomaly/flows-normal"], overrides={"source.steps": 60}).rows
    found = {row.strategy: row for row in rows}
    ok = {name for name, row in found.items() if row.status == "ok"}
    assert ok >= {"frozen", "constant"}
    assert {"finetune", "scratch", "all-labels"} & ok == set()
    assert "same label" in found["finetune"].reason
    assert found["constant"].score == 0.5
    assert found["frozen"].score > 0.7
    assert set(found["frozen"].scores) == {"auroc", "average-precision"}
    assert found["frozen"].train_gap is None
    assert (found["frozen"].parity < 1e-4, found["frozen"].source_metric) == (True, "accuracy")


def test_no_training_flow_of_the_target_is_an_attack():
    data = flows.load_normal(None)
    assert not data.target.train.labels.any()
    assert data.target.test.labels.mean() == pytest.approx(0.05)
    assert set(data.source.train.labels) == set(range(6))


def test_columns_keep_differences_that_float32_does_not_hold():
    """Unix seconds, whose steps in float32 are 128 s; served rows go through the same preprocessing."""
    random = np.random.default_rng(0)
    rows = np.stack([1_700_000_000 + random.integers(0, 60, 200), random.normal(size=200)], 1)
    fitted = mlp.fit(FitRequest(inputs=list(rows), options={}))
    (prepared,) = mlp.prepare(PrepareRequest(inputs=list(rows), fitted=fitted, layout="pooled", options={}))
    assert prepared.dtype == np.float32
    assert len(np.unique(prepared[:, 0])) == len(np.unique(rows[:, 0]))
    assert prepared[:, 0].std() == pytest.approx(1, abs=1e-3)
    assert (prepared[:, 1] == rows[:, 1].astype(np.float32)).all()


def test_rows_of_float32_are_prepared_to_the_bit(data):
    rows = data.source.train.inputs[:500]
    fitted = mlp.fit(FitRequest(inputs=list(rows), options={}))
    (prepared,) = mlp.prepare(PrepareRequest(inputs=list(rows), fitted=fitted, layout="pooled", options={}))
    assert prepared.tobytes() == rows.tobytes()
