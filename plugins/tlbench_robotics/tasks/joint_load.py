"""The load of a joint: six modes, recognised from the signals of a controller, in a simulator and on a perturbed arm.

An episode is 64 periods of tracking a sine. The data is the same for every seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tlbench import Array, LoadRequest, Side, Split, TaskData
from tlbench_robotics.plant import GRAVITY, LENGTH, NO_STOP, PERIOD, Arms, Demand, Rig, World

LABELS = ("free", "light-payload", "heavy-payload", "sticky-joint", "wall-contact", "weak-actuator")
FREE, LIGHT, HEAVY, STICKY, WALL, WEAK = range(6)
SIMULATOR = World(inertia=0.08, weight=1.2, viscous=0.10, coulomb=0.05, encoder_noise=0.003, torque_noise=0.01)
REAL = World(
    inertia=0.10,
    weight=1.35,
    viscous=0.16,
    coulomb=0.08,
    strength=0.93,
    delay=2,
    encoder_gain=1.03,
    encoder_bias=0.10,
    encoder_noise=0.012,
    torque_noise=0.06,
    play=0.01,
)
SPLITS = (
    ("source-train", SIMULATOR, 2000),
    ("source-test", SIMULATOR, 600),
    ("target-train", REAL, 1200),
    ("target-test", REAL, 600),
)
BATCH = 200
"""Episodes that are simulated together; every split is a multiple of it."""
STEPS, CLOSED_LOOP_STEPS = 64, 100
SEED = 20240611


@dataclass(frozen=True, kw_only=True)
class Sines:
    """N references; amplitude in rad, rate in rad / s, phase in rad, each `(N,)`."""

    amplitude: Array
    rate: Array
    phase: Array

    def over(self, steps: int) -> tuple[Array, Array, Array]:
        """Return position, velocity and acceleration, each `(N, steps)`."""
        amplitude, rate = self.amplitude[:, None], self.rate[:, None]
        angle = rate * np.arange(steps) * PERIOD + self.phase[:, None]
        sine, cosine = amplitude * np.sin(angle), amplitude * np.cos(angle)
        return sine, rate * cosine, -(rate**2) * sine


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """N arms with their modes and references."""

    modes: Array
    arms: Arms
    sines: Sines


def draw(world: World, size: int, random: np.random.Generator) -> Episodes:
    """Return arms of a world, the modes in equal parts; inertia and weight vary by 10 %."""
    modes = random.permutation(np.arange(size) % len(LABELS))

    def within(low: float, high: float) -> Array:
        return random.uniform(low, high, size)

    def only(mode: int, low: float, high: float, otherwise: float | Array) -> Array:
        return np.where(modes == mode, within(low, high), otherwise)

    arms = Arms(
        inertia=world.inertia * within(0.9, 1.1),
        weight=world.weight * within(0.9, 1.1),
        viscous=np.full(size, world.viscous),
        coulomb=only(STICKY, 0.8, 1.4, world.coulomb),
        strength=world.strength * only(WEAK, 0.45, 0.65, 1.0),
        payload=only(LIGHT, 0.7, 1.3, only(HEAVY, 2.2, 3.2, 0.0)) / (GRAVITY * LENGTH),
        stop=only(WALL, 0.2, 0.45, NO_STOP),
        stop_stiffness=only(WALL, 8.0, 16.0, 0.0),
    )
    sines = Sines(amplitude=within(0.5, 0.9), rate=2 * np.pi * within(0.8, 1.2), phase=within(0, 2 * np.pi))
    return Episodes(modes=modes, arms=arms, sines=sines)


def observe(episodes: Episodes, world: World, rig: Rig, random: np.random.Generator) -> Array:
    """Return series `(N, 64, 4)` float32 of PD tracking without feed-forward.

    Channels: tracking error in rad, velocity in rad / s, commanded torque in N m, reference in rad.
    """
    position, velocity, _ = episodes.sines.over(STEPS)
    nothing = np.zeros_like(position)
    demand = Demand(position=position, velocity=velocity, torque=nothing, gain=np.ones(len(position)))
    seen = rig.track(episodes.arms, world, demand, random)
    return np.stack([seen.error, seen.velocity, seen.command, position], 2).astype(np.float32)


def batches(split: str, rig: Rig) -> Iterator[tuple[Episodes, Array]]:
    """Yield a split's episodes with their series, 200 at a time."""
    index, world, size = next((i, world, size) for i, (name, world, size) in enumerate(SPLITS) if name == split)
    for batch in range(size // BATCH):
        random = np.random.default_rng([SEED, index, batch])
        episodes = draw(world, BATCH, random)
        yield episodes, observe(episodes, world, rig, random)


def load(request: LoadRequest) -> TaskData:
    """Simulate all episodes, the same for every call."""
    rig = Rig(BATCH)
    made = {}
    for name, _, _ in SPLITS:
        episodes, series = zip(*batches(name, rig), strict=True)
        labels = np.concatenate([part.modes for part in episodes])
        made[name] = Split(inputs=np.concatenate(series), labels=labels)
    return TaskData(
        source=Side(labels=LABELS, train=made["source-train"], test=made["source-test"]),
        target=Side(labels=LABELS, train=made["target-train"], test=made["target-test"]),
    )
