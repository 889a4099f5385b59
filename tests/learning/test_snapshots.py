"""Snapshots of a model in training: at which steps, of what, and without their own time."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from tlbench.learning import Encoder, TransferModel, snapshots
from tlbench.learning.snapshots import Recorder, recorder, recording


class Scale(Encoder):
    feature_dim = 1

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("fixed", torch.ones(3))


@pytest.fixture
def model():
    return TransferModel(Scale(), {"target": nn.Linear(1, 2), "source": nn.Linear(1, 2)})


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only if a test says so; writing a snapshot takes a hundred of them."""

    class Clock:
        now = 7.0

    add = snapshots.Series.add

    def slow(series, snapshot):
        add(series, snapshot)
        Clock.now += 100

    monkeypatch.setattr(snapshots.time, "process_time", lambda: Clock.now)
    monkeypatch.setattr(snapshots.Series, "add", slow)
    return Clock


def train(model, clock, parts, steps, total, known=True):
    """Stand for a loop: each step takes a second and adds one to the weight."""
    after_step = recorder().behind(lambda progress: None, model if known else None, parts, steps, total)
    for step in range(steps):
        clock.now += 1
        with torch.no_grad():
            model.encoder.weight += 1
        after_step(step / steps)


def points(series):
    return [(one.step, one.seconds) for one in series.snapshots]


def test_snapshots_are_at_equal_distances_and_take_no_time_of_training(model, clock, tmp_path):
    found = Recorder(tmp_path)
    with recording(found, model):
        clock.now += 5
        train(model, clock, [model.encoder], 40, 40)
        clock.now += 2
    (series,) = found.of(model)
    assert points(series) == [(step, 5.0 + step) for step in range(0, 41, 4)]
    assert (found.steps, found.seconds) == (40, 47.0)
    assert recorder() is None
    for snapshot, at in series.models():
        assert float(at.encoder.weight.detach()) == snapshot.step
        assert not at.training


def test_files_hold_only_what_training_changed(model, clock, tmp_path):
    from safetensors.torch import load_file

    found = Recorder(tmp_path)
    with recording(found, model):
        train(model, clock, [model.encoder], 20, 20)
    first, *others = (load_file(one.path).keys() for one in found.of(model)[0].snapshots)
    assert first == model.state_dict().keys()
    assert all(names == {"encoder.weight"} for names in others)


def test_phases_share_the_snapshots_of_all_steps(model, clock, tmp_path):
    found = Recorder(tmp_path)
    with recording(found, model):
        train(model, clock, [model.heads["target"]], 10, 40)
        train(model, clock, [model.encoder], 30, 40)
    (series,) = found.of(model)
    assert [step for step, _ in points(series)] == [0, 5, 10, 14, 18, 22, 25, 29, 33, 37, 40]
    assert points(series)[-1] == (40, 40.0)


def test_parts_of_the_model_of_the_request_are_known_and_other_modules_are_not(model, clock, tmp_path):
    found, other = Recorder(tmp_path), copy.deepcopy(model)
    with recording(found, model):
        train(model, clock, [model.encoder], 10, 10, known=False)
        train(other, clock, [other.encoder], 10, 10, known=False)
    assert [one.model for one in found.series] == [model]
    # What is returned instead of the model in training, such as its moving average, has that model's curve.
    assert found.of(other) == found.of(model)


def test_of_several_models_only_that_which_is_returned_has_a_curve(model, clock, tmp_path):
    found, other = Recorder(tmp_path), copy.deepcopy(model)
    with recording(found, model):
        train(model, clock, [model.encoder], 10, 10)
        train(other, clock, [other.encoder], 10, 10)
    assert [one.model for one in found.of(other)] == [other]
    assert found.of(copy.deepcopy(model)) == []


def test_a_changed_architecture_begins_another_series(model, clock, tmp_path):
    found = Recorder(tmp_path)
    with recording(found, model):
        train(model, clock, [model.encoder], 10, 10)
        model.encoder.more = nn.Linear(2, 2)
        train(model, clock, [model.encoder], 10, 10)
    first, second = found.of(model)
    assert [float(at.encoder.weight.detach()) for _, at in first.models()] == [*map(float, range(11))]
    assert [float(at.encoder.weight.detach()) for _, at in second.models()] == [*map(float, range(11, 21))]


@pytest.mark.parametrize(
    ("heads", "trained"),
    [(["source"], "source"), (["target"], "target"), (["source", "target"], "target"), ([], "target")],
)
def test_the_head_that_is_trained_is_the_one_to_score(model, clock, tmp_path, heads, trained):
    found = Recorder(tmp_path)
    with recording(found, model):
        train(model, clock, [model.encoder, *(model.heads[name] for name in heads)], 3, 3)
    assert {one.head for one in found.of(model)[0].snapshots} == {trained}
