"""A policy that balances a pole, cloned from an expert's demonstrations (Pomerleau 1991), and scored in a closed loop.

Demonstrations are made in a simulator, and few on a perturbed cart. The data is the same for every seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tlbench import Array, LoadRequest, Side, Split, TaskData
from tlbench_robotics.cart import STRONGEST, CartPole, World, expert

LABELS = ("command",)
SIMULATOR = World(length=0.6, tip=0.1, strength=1.0, friction=0.1, noise=0.002)
REAL = World(length=0.8, tip=0.25, strength=0.6, friction=0.6, tilt=0.06, bias=0.04, noise=0.006)
HISTORY = 8
"""Observations that a policy is given: the last one and those before it."""
STEPS, KEPT = 250, 50
"""Steps of an episode, and those of a demonstration that are examples, drawn at random."""
DISTURBANCE = 1.5
"""Standard deviation of what is added to the expert's commands, as DART does (Laskey et al. 2017), so that
demonstrations show how to recover. The labels are the commands without it."""
EPISODES = 100
"""Of an evaluation in a closed loop."""
SEED = 20241127


def load(request: LoadRequest) -> TaskData:
    """Demonstrate, the same for every call."""
    sides = ((SIMULATOR, 60, 16), (REAL, 24, 16))
    source, target = (
        Side(
            labels=LABELS,
            train=_demonstrations(world, train, "training", [side, 0]),
            test=_demonstrations(world, test, "test", [side, 1]),
        )
        for side, (world, train, test) in enumerate(sides)
    )
    return TaskData(source=source, target=target)


def _demonstrations(world: World, episodes: int, part: str, place: list[int]) -> Split:
    """Return histories `(N, 8, 3)` float32 and the expert's commands `(N, 1)`, a group for each episode."""
    env = CartPole(world)
    teacher, random = expert(env), np.random.default_rng([SEED, *place])
    histories: list[Array] = []
    commands: list[Array] = []
    groups: list[str] = []
    for episode in range(episodes):
        seen, told = _demonstrate(env, teacher.act, random)
        kept = np.sort(random.choice(len(seen), min(KEPT, len(seen)), replace=False))
        histories.append(seen[kept])
        commands.append(told[kept])
        groups += [f"{part} episode {episode}"] * len(kept)
    return Split(inputs=np.concatenate(histories), labels=np.concatenate(commands), groups=groups)


def _demonstrate(env: CartPole, act: Callable[[Array], float], random: np.random.Generator) -> tuple[Array, Array]:
    """Return the histories `(T, 8, 3)` of an episode and the expert's commands `(T, 1)`."""
    observation, _ = env.reset(seed=int(random.integers(2**31)))
    history = np.tile(observation, (HISTORY, 1))
    seen, told = [], []
    for _ in range(STEPS):
        command = act(env.state)
        seen.append(history)
        told.append([command])
        disturbed = np.clip(command + DISTURBANCE * random.standard_normal(), -STRONGEST, STRONGEST)
        observation, _, ended, _, _ = env.step(np.array([disturbed]))
        if ended:
            break
        history = np.concatenate([history[1:], observation[None]])
    return np.stack(seen), np.array(told, np.float32)


def evaluate(request: LoadRequest, predict: Callable[[Sequence[Any]], Any]) -> dict[str, float]:
    """Return `return`: the mean part of 250 steps that the policy balances the perturbed cart, over 100 episodes.

    The undisturbed expert has 1. All episodes are stepped together, so that one call of the file answers for all.
    """
    envs = [CartPole(REAL) for _ in range(EPISODES)]
    histories = np.stack([np.tile(env.reset(seed=SEED + at)[0], (HISTORY, 1)) for at, env in enumerate(envs)])
    alive, rewards = np.arange(EPISODES), np.zeros(EPISODES)
    for _ in range(STEPS):
        commands = np.asarray(predict(list(histories[alive]))).reshape(len(alive), 1)
        kept = []
        for at, command in zip(alive, commands, strict=True):
            observation, reward, ended, _, _ = envs[at].step(command)
            rewards[at] += reward
            histories[at] = np.concatenate([histories[at, 1:], observation[None]])
            kept += [] if ended else [at]
        alive = np.array(kept, np.int64)
        if not len(alive):
            break
    return {"return": float(rewards.mean() / STEPS)}
