"""The robotics plugin: physics against closed forms, data, closed loop, backbone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tlbench import CLASSIFICATION, BadInputError, BuildRequest, FitRequest, LoadRequest, PrepareRequest
from tlbench.deploy.export import export_model
from tlbench.deploy.onnx_graph import export_graph
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.model import TransferModel, encode
from tlbench.learning.targets import Targets

pytest.importorskip("mujoco")

from tlbench_robotics import plant
from tlbench_robotics.backbones import cnn
from tlbench_robotics.plant import Arms, Demand, Rig, World
from tlbench_robotics.tasks import compensation, joint_load

REQUEST = LoadRequest(task="robotics/joint-load", options={}, data_root=None)
CLEAN = World(inertia=0.08, weight=1.2, viscous=0.0, coulomb=0.0)


def arms(**changed):
    values = {"inertia": 0.08, "weight": 1.2, "viscous": 0.0, "coulomb": 0.0, "strength": 1.0, "payload": 0.0}
    values |= {"stop": plant.NO_STOP, "stop_stiffness": 0.0} | changed
    return Arms(**{name: np.array([value]) for name, value in values.items()})


def drive(arm, position=0.0, torque=0.0, gain=0.0, steps=200, world=CLEAN):
    """Return the track of one arm with a constant demand, started at rest."""
    rows = {name: np.full((1, steps), value) for name, value in (("position", position), ("torque", torque))}
    demand = Demand(velocity=np.zeros((1, steps)), gain=np.array([gain]), **rows)
    return Rig(1).track(arm, world, demand, np.random.default_rng(0))


@pytest.mark.parametrize("payload", [0.0, 0.3])
def test_a_free_arm_swings_with_the_period_of_a_pendulum(payload):
    """Small angles: T = 2 pi sqrt(I / (m g l)), the payload adding to both."""
    run = drive(arms(payload=payload), position=0.05, steps=400)
    inertia = 0.08 + payload * plant.LENGTH**2
    weight = 1.2 + payload * plant.GRAVITY * plant.LENGTH
    signs = np.sign(run.position[0])
    swings = np.flatnonzero(np.diff(signs) < 0)
    period = (swings[-1] - swings[0]) / (len(swings) - 1) * plant.PERIOD
    assert period == pytest.approx(2 * np.pi * np.sqrt(inertia / weight), rel=0.02)


def test_a_stop_pushes_back_as_a_spring_above_its_angle():
    """At rest torque = weight sin q + stiffness (q - stop)."""
    arm = arms(stop=0.3, stop_stiffness=12.0, viscous=0.5)
    rest = drive(arm, torque=2.0, steps=300).position[0, -1]
    assert rest > 0.3
    assert 1.2 * np.sin(rest) + 12.0 * (rest - 0.3) == pytest.approx(2.0, abs=1e-3)
    assert arm.contact(np.array([[rest, 0.1]]))[0] == pytest.approx([12.0 * (rest - 0.3), 0.0])


def test_friction_holds_an_arm_that_a_smaller_torque_pushes():
    held = drive(arms(coulomb=1.0), torque=0.5, steps=100).position[0]
    free = drive(arms(coulomb=0.0), torque=0.5, steps=100).position[0]
    assert np.abs(held).max() < 0.02
    assert np.abs(free).max() > 0.3


def test_a_weak_actuator_delivers_its_part_of_the_torque():
    """At rest strength * torque = weight sin q."""
    rest = drive(arms(strength=0.5, viscous=0.5), torque=1.0, steps=300).position[0, -1]
    assert 1.2 * np.sin(rest) == pytest.approx(0.5, abs=1e-3)


def test_feedback_leaves_the_error_that_the_weight_asks_for():
    run = drive(arms(viscous=0.5, payload=0.3), position=0.6, gain=1.0, steps=300)
    load = (1.2 + 0.3 * plant.GRAVITY * plant.LENGTH) * np.sin(run.position[0, -1])
    assert plant.STIFFNESS * run.error[0, -1] == pytest.approx(load, abs=1e-3)


def test_delay_and_encoder_stand_between_controller_and_joint():
    world = World(inertia=0.08, weight=1.2, viscous=0.0, coulomb=0.0, delay=3, encoder_gain=1.1, encoder_bias=0.2)
    torque = np.zeros((1, 10))
    torque[0, 2] = 5.0
    demand = Demand(position=np.zeros((1, 10)), velocity=np.zeros((1, 10)), torque=torque, gain=np.zeros(1))
    run = Rig(1).track(arms(), world, demand, np.random.default_rng(0))
    assert np.flatnonzero(np.abs(run.position[0]) > 1e-9)[0] == 2 + 3 + 1
    assert -run.error == pytest.approx(1.1 * run.position + 0.2)


def test_an_encoder_with_play_stays_behind_the_joint():
    world = World(inertia=0.08, weight=1.2, viscous=0.0, coulomb=0.0, play=0.02)
    run = drive(arms(), position=0.3, steps=200, world=world)
    behind = run.position - (0.3 - run.error)
    assert behind.max() == pytest.approx(0.01)
    assert behind.min() == pytest.approx(-0.01)


@pytest.fixture(scope="module")
def data():
    return joint_load.load(REQUEST)


def test_the_data_has_the_sizes_and_the_modes_that_its_spec_tells(data):
    for split, size in zip(
        (data.source.train, data.source.test, data.target.train, data.target.test), (2000, 600, 1200, 600), strict=True
    ):
        assert split.inputs.shape == (size, 64, 4)
        assert split.inputs.dtype == np.float32
        assert np.isfinite(split.inputs).all()
        counts = np.bincount(split.labels, minlength=6)
        assert counts.max() - counts.min() <= size / 200
    assert len(np.unique(np.concatenate([data.target.train.inputs, data.target.test.inputs])[:, :, 3], axis=0)) == 1800


def test_a_right_mode_succeeds_always_and_a_wall_where_there_is_none_hardly_ever(data):
    """The first half is named right; in the second, `wall-contact` is named for everything."""
    inputs, labels = data.target.test.inputs, data.target.test.labels
    named = np.where(np.arange(600) < 300, labels, joint_load.WALL)
    modes = {series.tobytes(): mode for series, mode in zip(inputs, named, strict=True)}
    scores = compensation.evaluate(REQUEST, lambda series: np.eye(6)[[modes[part.tobytes()] for part in series]])
    assert scores == {"success": pytest.approx((named == labels).mean(), abs=0.01)}


def test_chosen_arms_move_as_they_do_among_all_arms():
    rig, chosen = Rig(joint_load.BATCH), np.array([3, 50, 199])
    episodes = joint_load.draw(joint_load.REAL, joint_load.BATCH, np.random.default_rng(0))
    demand = compensation.compensate(episodes.modes, episodes.sines)
    alone = rig.track(episodes.arms, joint_load.REAL, demand, np.random.default_rng(1), chosen)
    every = rig.track(episodes.arms, joint_load.REAL, demand, np.random.default_rng(1))
    for name, values in vars(every).items():
        assert np.array_equal(getattr(alone, name), values[chosen]), name


def test_an_arm_whose_mode_is_named_right_is_not_driven(monkeypatch):
    """It would be driven twice with the same compensator, and succeed."""
    rig, driven = Rig(joint_load.BATCH), []
    episodes = joint_load.draw(joint_load.REAL, joint_load.BATCH, np.random.default_rng(0))
    named = episodes.modes.copy()
    named[[3, 50]] = (named[[3, 50]] + 1) % 6
    track = Rig.track
    monkeypatch.setattr(Rig, "track", lambda *words: driven.append(words[-1].tolist()) or track(*words))
    succeeded = compensation._succeeds(episodes, named, rig, 0)
    assert driven == [[3, 50]] * 2
    assert np.delete(succeeded, [3, 50]).all()
    assert compensation._succeeds(episodes, episodes.modes, rig, 0).all()
    assert len(driven) == 2


def series_of(*lengths, channels=3, seed=0):
    random = np.random.default_rng(seed)
    return [(5 + 3 * random.standard_normal((length, channels))).astype(np.float32) for length in lengths]


def prepared(inputs, fitted):
    return cnn.prepare(PrepareRequest(inputs=inputs, fitted=fitted, layout="pooled", options={}))[0]


def fitted_to(inputs):
    return cnn.fit(FitRequest(inputs=inputs, options={}))


def encoder_for(fitted):
    torch.manual_seed(0)
    return cnn.build(BuildRequest(fitted=fitted, layout="pooled", options={"width": 8}))


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 90), min_size=2, max_size=6),
    others=st.lists(st.integers(1, 200), min_size=2, max_size=6),
    channels=st.integers(1, 9),
)
def test_series_of_any_length_and_width_have_features_and_gradients(lengths, others, channels):
    fitted = fitted_to(series_of(*lengths, channels=channels))
    columns = prepared(series_of(*others, channels=channels, seed=1), fitted)
    assert columns.shape == (len(others), channels, max(lengths))
    features = encoder_for(fitted).train()(torch.from_numpy(columns))
    features.sum().backward()
    assert features.shape == (len(others), 32)
    assert torch.isfinite(features).all()


def test_a_longer_series_is_cut_and_a_shorter_one_filled_with_the_mean():
    source = series_of(10, 20)
    fitted = fitted_to(source)
    long, short = series_of(30, 5, seed=1)
    columns = prepared([long, short], fitted)
    assert np.array_equal(columns[0], long[:20].T)
    assert np.array_equal(columns[1, :, :5], short.T)
    assert columns[1, :, 5:] == pytest.approx(np.repeat(np.concatenate(source).mean(0)[:, None], 15, 1), rel=1e-5)


def test_missing_infinite_and_constant_values_do_no_harm():
    source = series_of(20, 20)
    for series in source:
        series[:, 1] = 0.1
    source[0][3, 0] = np.nan
    source[0][4, 0] = np.inf
    fitted = fitted_to(source)
    assert fitted["std"][1] == 1.0
    assert fitted["std"][0] == pytest.approx(3, rel=0.5)
    features = encoder_for(fitted).eval()(torch.from_numpy(prepared(source, fitted)))
    assert torch.isfinite(features).all()


@pytest.mark.parametrize(("wrong", "says"), [(np.zeros((5, 2)), "the 3 of the source"), (np.zeros(5), r"\(T, C\)")])
def test_a_series_of_another_shape_is_refused(wrong, says):
    fitted = fitted_to(series_of(5, 6))
    with pytest.raises(BadInputError, match=says):
        prepared([wrong], fitted)


@pytest.mark.parametrize("length", [1, 64])
def test_the_onnx_file_agrees_with_the_encoder(tmp_path, length):
    source = series_of(*[length] * 20, channels=4)
    fitted = fitted_to(source)
    inputs = Inputs((prepared(source, fitted),))
    encoder = encoder_for(fitted)
    model = TransferModel(encoder, {"target": torch.nn.Linear(encoder.feature_dim, 6)}).eval()
    export_graph(model, inputs, tmp_path / "graph.onnx")
    examples = Examples(inputs, Targets.of(np.zeros(len(inputs), int)))
    parity = export_model(
        model, tmp_path / "graph.onnx", examples, CLASSIFICATION.create(), tmp_path / "model.onnx", "cpu", 1
    )
    assert parity.relative < 1e-5
    assert encode(model, inputs).shape == (20, 32)


def test_channels_keep_differences_that_float32_does_not_hold():
    series = [np.stack([1_700_000_000 + start + np.arange(20), np.arange(20.0)], 1) for start in range(0, 100, 20)]
    fitted = cnn.fit(FitRequest(inputs=series, options={}))
    (prepared,) = cnn.prepare(PrepareRequest(inputs=series, fitted=fitted, layout="pooled", options={}))
    assert (prepared.dtype, prepared.shape) == (np.float32, (5, 2, 20))
    assert len(np.unique(prepared[:, 0])) == 100
    assert (prepared[:, 1] == np.arange(20)).all()
