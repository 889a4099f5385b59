"""How heavy is the payload? Its mass from what a controller records, in a simulator and on a perturbed arm.

Arms and references are those of `joint_load`, but every joint is free and every tip carries something. The data is the
same for every seed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tlbench import Array, LoadRequest, Side, Split, TaskData
from tlbench_robotics.plant import NO_STOP, Rig, World
from tlbench_robotics.tasks.joint_load import BATCH, REAL, SIMULATOR, Episodes, draw, observe

LABELS = ("payload",)
HEAVIEST = 0.8
"""kg."""
SEED = 20240812


def load(request: LoadRequest) -> TaskData:
    """Simulate all episodes, the same for every call."""
    rig = Rig(BATCH)
    source, target = (
        Side(labels=LABELS, train=_split(world, train, [side, 0], rig), test=_split(world, 400, [side, 1], rig))
        for side, (world, train) in enumerate(((SIMULATOR, 4000), (REAL, 600)))
    )
    return TaskData(source=source, target=target)


def _split(world: World, size: int, place: list[int], rig: Rig) -> Split:
    """Return series `(N, 64, 4)` as `joint_load.observe` makes them, and masses `(N, 1)` in kg."""
    series: list[Array] = []
    masses: list[Array] = []
    for batch in range(size // BATCH):
        random = np.random.default_rng([SEED, *place, batch])
        episodes = loaded(world, BATCH, random)
        series.append(observe(episodes, world, rig, random))
        masses.append(episodes.arms.payload[:, None])
    return Split(inputs=np.concatenate(series), labels=np.concatenate(masses).astype(np.float32))


def loaded(world: World, size: int, random: np.random.Generator) -> Episodes:
    """Return arms of a world that differ in inertia and weight as those of `joint_load` do, with any payload."""
    episodes = draw(world, size, random)
    arms = replace(
        episodes.arms,
        payload=random.uniform(0, HEAVIEST, size),
        coulomb=np.full(size, world.coulomb),
        strength=np.full(size, world.strength),
        stop=np.full(size, NO_STOP),
        stop_stiffness=np.zeros(size),
    )
    return replace(episodes, arms=arms)
