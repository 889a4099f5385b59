"""The pole on a cart: physics against closed forms, the interface of gymnasium, demonstrations and the closed loop."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mujoco")
pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env

from tlbench import LoadRequest
from tlbench_robotics.cart import CART, GRAVITY, POLE, STEP, SUBSTEPS, CartPole, World, expert
from tlbench_robotics.tasks import balance

CLEAN = World(length=0.6, tip=0.1, strength=2.0, friction=0.0)
REQUEST = LoadRequest(task="robotics/balance", options={}, data_root=None)


def test_the_environment_is_one_of_gymnasium():
    check_env(CartPole(balance.REAL), skip_render_check=True)


def test_a_cart_with_a_hanging_load_swings_with_the_period_of_its_closed_form():
    """w^2 = m g c (M + m) / ((M + m) J - m^2 c^2); c is the centre of mass and J the inertia about the hinge."""
    env = CartPole(CLEAN)
    env.reset(seed=0)
    env.data.qpos[:] = 0.0, np.pi - 0.02
    mass = POLE + CLEAN.tip
    centre = (POLE * CLEAN.length / 2 + CLEAN.tip * CLEAN.length) / mass
    inertia = POLE * CLEAN.length**2 / 3 + CLEAN.tip * CLEAN.length**2
    total = CART + mass
    expected = 2 * np.pi / np.sqrt(mass * GRAVITY * centre * total / (total * inertia - (mass * centre) ** 2))
    angles = []
    for _ in range(500):
        env.step(np.zeros(1))
        angles.append(env.data.qpos[1] - np.pi)
    crossings = np.flatnonzero(np.diff(np.sign(angles)) < 0)
    period = (crossings[-1] - crossings[0]) / (len(crossings) - 1) * STEP * SUBSTEPS
    assert period == pytest.approx(expected, rel=0.02)


def test_a_constant_command_accelerates_the_cart_of_a_pole_that_is_held():
    env = CartPole(World(length=0.6, tip=0.1, strength=2.0, friction=0.0))
    env.reset(seed=0)
    env.data.qpos[:] = 0.0, np.pi
    env.step(np.array([1.0]))
    # While the pole hangs, the first moments move the cart as if the pole were a part of it that swings back.
    assert env.data.qvel[0] > 0
    assert env.data.qvel[0] == pytest.approx(2.0 / CART * STEP * SUBSTEPS, rel=0.4)


def test_a_command_that_is_not_finite_is_refused():
    env = CartPole(CLEAN)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="command is nan"):
        env.step(np.array([np.nan]))


@pytest.mark.parametrize("world", [balance.SIMULATOR, balance.REAL], ids=["simulator", "real"])
def test_the_expert_balances_and_rests_where_nothing_accelerates(world):
    env = CartPole(world)
    teacher = expert(env)
    for seed in range(5):
        env.reset(seed=seed)
        assert not any(env.step(np.array([teacher.act(env.state)]))[2] for _ in range(balance.STEPS))
    assert env.state[:2] == pytest.approx([0.0, env.upright], abs=0.05)


def test_a_perfect_policy_has_the_return_1_and_none_falls_soon(monkeypatch):
    monkeypatch.setattr(balance, "EPISODES", 3)
    teachers = []
    real = CartPole(balance.REAL)

    class Watched(CartPole):
        def __init__(self, world):
            super().__init__(world)
            teachers.append(self)

    monkeypatch.setattr(balance, "CartPole", Watched)
    act = expert(real).act
    assert balance.evaluate(REQUEST, lambda histories: [act(env.state) for env in teachers]) == {"return": 1.0}
    fallen = balance.evaluate(REQUEST, lambda histories: np.full((len(histories), 1), 10.0))
    assert fallen["return"] < 0.3


def test_demonstrations_are_the_same_for_every_call_and_their_labels_are_the_commands_of_the_expert():
    first, second = (balance._demonstrations(balance.REAL, 2, "test", [1, 1]) for _ in range(2))
    assert np.array_equal(first.inputs, second.inputs)
    assert np.array_equal(first.labels, second.labels)
    assert first.inputs.shape == (2 * balance.KEPT, balance.HISTORY, 3)
    assert set(first.groups) == {"test episode 0", "test episode 1"}
    # The last command in a history is the disturbed one of the step before, not the label.
    assert not np.allclose(first.inputs[:, -1, 2], first.labels[:, 0])
