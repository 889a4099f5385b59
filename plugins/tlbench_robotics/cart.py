"""A pole on a cart, on MuJoCo (Todorov et al. 2012), with the interface of gymnasium (Towers et al. 2024).

The cart runs on a rail that may be tilted; a motor pushes it, and the pole carries a mass at its tip. A controller is
given what two encoders say of position and angle, never the velocities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import mujoco
import numpy as np

from tlbench import Array

GRAVITY, CART, POLE = 9.81, 1.0, 0.2
"""m / s^2, and the masses of cart and pole in kg."""
STEP, SUBSTEPS = 0.01, 2
"""Seconds of a step of physics, and steps between two commands."""
STRONGEST = 10.0
"""The largest command."""
FALLEN, END = 0.5, 2.0
"""Angle in rad and distance in m at which an episode ends."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A cart with its pole, its rail, its motor and its encoders."""

    length: float
    """Of the pole, in m."""
    tip: float
    """Mass at the tip of the pole, in kg."""
    strength: float
    """Force in N for a command of 1."""
    friction: float
    """Of the cart, in N s / m."""
    tilt: float = 0.0
    """Of the rail, in rad."""
    bias: float = 0.0
    """What the encoder of the angle says too much, in rad."""
    noise: float = 0.0
    """Standard deviation of what both encoders say, in m and in rad."""


def model_of(world: World) -> Any:
    """Return the model of MuJoCo."""
    across, down = GRAVITY * np.sin(world.tilt), GRAVITY * np.cos(world.tilt)
    inertia = POLE * world.length**2 / 12
    return mujoco.MjModel.from_xml_string(f"""
<mujoco>
  <option timestep="{STEP}" gravity="{across} 0 {-down}" integrator="implicitfast"/>
  <worldbody>
    <body name="cart">
      <joint name="rail" type="slide" axis="1 0 0" damping="{world.friction}"/>
      <inertial pos="0 0 0" mass="{CART}" diaginertia="1e-3 1e-3 1e-3"/>
      <body name="pole">
        <joint name="hinge" type="hinge" axis="0 1 0" damping="0.01"/>
        <inertial pos="0 0 {world.length / 2}" mass="{POLE}" diaginertia="{inertia} {inertia} 1e-5"/>
        <body name="tip" pos="0 0 {world.length}">
          <inertial pos="0 0 0" mass="{world.tip}" diaginertia="1e-5 1e-5 1e-5"/>
        </body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="motor" joint="rail" gear="{world.strength}" ctrllimited="true" ctrlrange="-{STRONGEST} {STRONGEST}"/>
  </actuator>
</mujoco>""")


class CartPole(gymnasium.Env[Array, Array]):
    """Balance the pole: a reward of 1 for each step until it falls or the cart leaves the rail.

    An observation is position in m, angle in rad and the last command, `(3,)` float32; an action is a command `(1,)`.
    """

    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = gymnasium.spaces.Box(-STRONGEST, STRONGEST, (1,), np.float32)

    def __init__(self, world: World) -> None:
        self.world = world
        self.model = model_of(world)
        self.data = mujoco.MjData(self.model)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Start at rest, up to 0.3 m from the middle and up to 0.12 rad from where the pole balances."""
        super().reset(seed=seed)
        mujoco.mj_resetData(self.model, self.data)
        place, angle = self.np_random.uniform(-1, 1, 2)
        self.data.qpos[:] = 0.3 * place, self.upright + 0.12 * angle
        return self._observation(0.0), {}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Hold a command for a period. Raises `ValueError` for one that is not finite: MuJoCo would take it for 0."""
        command = float(np.clip(np.asarray(action).item(), -STRONGEST, STRONGEST))
        if not np.isfinite(command):
            raise ValueError(f"The policy's command is {command}: expected a finite number.")
        self.data.ctrl[0] = command
        mujoco.mj_step(self.model, self.data, SUBSTEPS)
        place, angle = self.data.qpos
        ended = bool(abs(angle - self.upright) > FALLEN or abs(place) > END)
        return self._observation(command), float(not ended), ended, False, {}

    @property
    def upright(self) -> float:
        """The angle in rad at which the pole balances: against gravity, not across the rail."""
        return -self.world.tilt

    @property
    def state(self) -> Array:
        """Positions and velocities `(4,)`, which no controller but the expert knows."""
        return np.concatenate([self.data.qpos, self.data.qvel])

    def _observation(self, command: float) -> Array:
        said = self.data.qpos + [0.0, self.world.bias] + self.world.noise * self.np_random.standard_normal(2)
        return np.array([*said, command], np.float32)


@dataclass(frozen=True)
class Expert:
    """A linear-quadratic regulator that knows the world and its state: u = u0 - K (x - x0)."""

    gain: Array
    """`(4,)`: K."""
    rest: Array
    """`(4,)`: x0."""
    command: float
    """u0, which holds the cart on a tilted rail."""

    def act(self, state: Array) -> float:
        """Return the command for a state `(4,)`."""
        return float(np.clip(self.command - self.gain @ (state - self.rest), -STRONGEST, STRONGEST))


def expert(env: CartPole) -> Expert:
    """Return the regulator of least cost x'Qx + u'Ru, by the discrete Riccati equation of the linearised world."""
    from scipy.linalg import solve_discrete_are

    model, data = env.model, mujoco.MjData(env.model)
    command = -model.body_mass.sum() * model.opt.gravity[0] / env.world.strength
    data.qpos[1], data.ctrl[0] = env.upright, command
    transition, effect = np.zeros((4, 4)), np.zeros((4, 1))
    mujoco.mjd_transitionFD(model, data, 1e-6, True, transition, effect, None, None)
    a, b = np.eye(4), np.zeros((4, 1))
    for _ in range(SUBSTEPS):
        a, b = transition @ a, transition @ b + effect
    state_cost, command_cost = np.diag([1.0, 10.0, 0.1, 0.1]), np.array([[0.1]])
    solution = solve_discrete_are(a, b, state_cost, command_cost)
    gain = np.linalg.solve(command_cost + b.T @ solution @ b, b.T @ solution @ a)
    return Expert(gain[0], np.array([0.0, env.upright, 0.0, 0.0]), float(command))
