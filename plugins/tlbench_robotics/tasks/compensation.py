"""The joint-load task in a closed loop: the mode that a model names decides how the arm is driven next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tlbench import Array, LoadRequest
from tlbench_robotics.plant import GRAVITY, LENGTH, Demand, Rig, Track
from tlbench_robotics.tasks.joint_load import (
    BATCH,
    HEAVY,
    LIGHT,
    REAL,
    SEED,
    SIMULATOR,
    SPLITS,
    STICKY,
    WALL,
    WEAK,
    Episodes,
    Sines,
    batches,
)

STEPS = 100
LOADS = {LIGHT: 1.0, HEAVY: 2.7}
"""Torque in N m of the payload that the compensator of a mode expects."""
FRICTION, STRENGTH, HELD = 1.1, 0.55, 0.2
"""What it expects of a sticky joint in N m, of a weak actuator, and the angle in rad that keeps clear of a wall."""


def evaluate(request: LoadRequest, predict: Callable[[Sequence[Any]], Any]) -> dict[str, float]:
    """Return `success`: the part of the target's test episodes in which the predicted mode's compensator does its work.

    Each arm tracks its sine for 100 periods (2 s), once with the compensator of its true mode and once with that of
    the predicted one, under the same noise. It succeeds when the RMS tracking error is below 1.15 times the true
    mode's plus 0.01 rad, and the peak torque of contact below 1.3 times the true mode's plus 0.3 N m. Naming every
    mode right gives exactly 1; naming modes by chance gives about a half.
    """
    rig = Rig(BATCH)
    succeeded = [
        _succeeds(episodes, np.asarray(predict(list(series))).argmax(1), rig, batch)
        for batch, (episodes, series) in enumerate(batches("target-test", rig))
    ]
    return {"success": float(np.concatenate(succeeded).mean())}


def _succeeds(episodes: Episodes, predicted: Array, rig: Rig, batch: int) -> Array:
    """Return `(N,)` bool. Arms whose mode is named right succeed: both of their runs are the same one."""
    wrong = np.flatnonzero(predicted != episodes.modes)
    succeeded = np.ones(len(predicted), bool)
    if not len(wrong):
        return succeeded

    def drive(modes: Array) -> tuple[Array, Array]:
        random = np.random.default_rng([SEED, len(SPLITS), batch])
        run = rig.track(episodes.arms, REAL, compensate(modes, episodes.sines), random, wrong)
        return _errors(episodes, run, wrong)

    (error, contact), (best_error, best_contact) = drive(predicted), drive(episodes.modes)
    succeeded[wrong] = (error < 1.15 * best_error + 0.01) & (contact < 1.3 * best_contact + 0.3)
    return succeeded


def _errors(episodes: Episodes, run: Track, chosen: Array) -> tuple[Array, Array]:
    """Return the RMS tracking error in rad and the peak torque of contact in N m of chosen arms, each `(K,)`."""
    wanted, _, _ = episodes.sines.over(STEPS)
    error: Array = np.sqrt(((run.position - wanted[chosen]) ** 2).mean(1))
    contact: Array = episodes.arms.of(chosen).contact(run.position).max(1)
    return error, contact


def compensate(modes: Array, sines: Sines) -> Demand:
    """Return what is demanded of arms believed to be in these modes `(N,)`, by the simulator's nominal values.

    The feed-forward torque is that of inverse dynamics. An arm at a wall is held clear of it; for a weak actuator
    torque and feedback are scaled up.
    """
    position, velocity, acceleration = sines.over(STEPS)
    load = np.select([modes == mode for mode in LOADS], list(LOADS.values()), 0.0)[:, None]
    friction = np.where(modes == STICKY, FRICTION, SIMULATOR.coulomb)[:, None]
    gain = np.where(modes == WEAK, 1 / STRENGTH, 1.0)
    beyond = (modes == WALL)[:, None] & (position > HELD)
    position = np.where(beyond, HELD, position)
    velocity, acceleration = np.where(beyond, 0.0, velocity), np.where(beyond, 0.0, acceleration)
    torque = (
        (SIMULATOR.inertia + load / GRAVITY * LENGTH) * acceleration
        + SIMULATOR.viscous * velocity
        # Smooth at rest, where the sign of friction is not known.
        + friction * np.tanh(velocity / 0.1)
        + (SIMULATOR.weight + load) * np.sin(position)
    )
    return Demand(position=position, velocity=velocity, torque=gain[:, None] * torque, gain=gain)
