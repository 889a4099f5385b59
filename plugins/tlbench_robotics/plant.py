"""One revolute joint on MuJoCo (Todorov et al. 2012) under PD control through an encoder, many arms in step.

A link hangs from a hinge (0 rad is straight down); a payload is a point mass at its tip; a compliant stop pushes back
above an angle. Between controller and joint stand a delay, an imperfect motor, and an encoder with play.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import mujoco
import numpy as np
from mujoco.rollout import rollout

from tlbench import Array

LEVER, LENGTH = 0.2, 0.4
"""Distance of the link's centre of mass, and of the payload, from the joint, in m."""
GRAVITY = 9.81
PERIOD, SUBSTEPS = 0.02, 4
"""Seconds between two commands, and steps of physics in that time."""
STIFFNESS, DAMPING = 14.0, 1.2
"""Gains of the PD controller, in N m / rad and N m s / rad."""
NO_STOP = 100.0
"""Angle of a stop that is never reached, in rad."""

MODEL = f"""
<mujoco>
  <option timestep="{PERIOD / SUBSTEPS}" gravity="0 0 -{GRAVITY}" integrator="implicitfast"/>
  <worldbody>
    <body name="link">
      <joint name="hinge" type="hinge" axis="0 1 0" damping="0.1" frictionloss="0.05" armature="0.05"/>
      <inertial pos="0 0 -{LEVER}" mass="0.6" diaginertia="1e-5 1e-5 1e-5"/>
      <body name="payload" pos="0 0 -{LENGTH}">
        <inertial pos="0 0 0" mass="1e-6" diaginertia="1e-9 1e-9 1e-9"/>
      </body>
    </body>
  </worldbody>
  <tendon>
    <fixed name="stop" springlength="-{NO_STOP} {NO_STOP}"><joint joint="hinge" coef="1"/></fixed>
  </tendon>
  <actuator><motor name="motor" joint="hinge"/></actuator>
</mujoco>
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """Nominal values of an arm without load, and what stands between its controller and its joint."""

    inertia: float
    """Of link and rotor about the joint, in kg m^2."""
    weight: float
    """Torque of the link's weight when it is level, in N m."""
    viscous: float
    """N m s / rad."""
    coulomb: float
    """N m."""
    strength: float = 1.0
    """Delivered torque as a part of the commanded."""
    delay: int = 0
    """Commands between computing a torque and its effect."""
    encoder_gain: float = 1.0
    encoder_bias: float = 0.0
    """rad."""
    encoder_noise: float = 0.0
    """Standard deviation, in rad."""
    torque_noise: float = 0.0
    """Standard deviation, in N m."""
    play: float = 0.0
    """Backlash between joint and encoder, in rad."""


@dataclass(frozen=True, kw_only=True)
class Arms:
    """Parameters of N arms, each `(N,)`; units as in `World`."""

    inertia: Array
    weight: Array
    viscous: Array
    coulomb: Array
    strength: Array
    payload: Array
    """kg at the tip."""
    stop: Array
    """Angle in rad above which the stop pushes back."""
    stop_stiffness: Array
    """N m / rad."""

    def of(self, chosen: Array) -> Arms:
        """Return the arms at some positions."""
        return replace(self, **{name: values[chosen] for name, values in vars(self).items()})

    def contact(self, position: Array) -> Array:
        """Return the torque of the stop, in N m, at positions `(N, T)`."""
        pressed: Array = np.maximum(position - self.stop[:, None], 0)
        return self.stop_stiffness[:, None] * pressed


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What N controllers follow: position, velocity and feed-forward torque `(N, T)`."""

    position: Array
    velocity: Array
    torque: Array
    gain: Array
    """Factor on the feedback, `(N,)`."""

    def of(self, chosen: Array) -> Demand:
        """Return the demands at some positions."""
        return replace(self, **{name: values[chosen] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Track:
    """What happened, each `(N, T)`; all but the true position is what the controller knows."""

    position: Array
    error: Array
    """Demanded minus encoded position."""
    velocity: Array
    """By differences of the encoded position."""
    command: Array
    """N m."""


class Rig:
    """MuJoCo models of `size` arms that are stepped together; they take about 100 kB each and are used again."""

    def __init__(self, size: int) -> None:
        base = mujoco.MjModel.from_xml_string(MODEL)
        self._models = [copy.copy(base) for _ in range(size)]
        self._data = mujoco.MjData(base)

    def track(
        self, arms: Arms, world: World, demand: Demand, random: np.random.Generator, chosen: Array | None = None
    ) -> Track:
        """Let every arm follow its demand; it starts on it, or at its stop, with the demanded velocity.

        Of the positions `chosen` alone, if they are given: they move as they do among all arms.
        """
        size, steps = demand.position.shape
        noise = random.standard_normal((steps, size))
        disturbance = world.torque_noise * random.standard_normal((steps, size))
        if chosen is not None:
            arms, demand = arms.of(chosen), demand.of(chosen)
            noise, disturbance, size = noise[:, chosen], disturbance[:, chosen], len(chosen)
        self._set_up(arms)
        shaft = np.minimum(demand.position[:, 0], arms.stop)
        encoded = velocity = demand.velocity[:, 0]
        # MuJoCo's full state: time, position, velocity.
        state = np.stack([np.zeros(size), shaft, velocity], 1)
        known: list[tuple[Array, Array, Array, Array]] = []
        for step in range(steps):
            position, before = state[:, 1], encoded
            shaft = np.clip(shaft, position - world.play / 2, position + world.play / 2)
            encoded = world.encoder_gain * shaft + world.encoder_bias + world.encoder_noise * noise[step]
            velocity = (encoded - before) / PERIOD if step else velocity
            error = demand.position[:, step] - encoded
            feedback = STIFFNESS * error + DAMPING * (demand.velocity[:, step] - velocity)
            known.append((position, error, velocity, demand.gain * feedback + demand.torque[:, step]))
            state = self._advance(state, known[max(0, step - world.delay)][3] + disturbance[step])
        return Track(*np.stack(known, 2))

    def _advance(self, state: Array, torque: Array) -> Array:
        """Return the state `(N, 3)` after a period of constant torque `(N,)`."""
        states, _ = rollout(self._models[: len(state)], self._data, state, torque[:, None, None], nstep=SUBSTEPS)
        last: Array = states[:, -1]
        return last

    def _set_up(self, arms: Arms) -> None:
        for index, model in enumerate(self._models[: len(arms.inertia)]):
            self._set_up_one(model, {name: float(values[index]) for name, values in vars(arms).items()})

    def _set_up_one(self, model: Any, arm: dict[str, float]) -> None:
        mass = arm["weight"] / (GRAVITY * LEVER)
        model.body_mass[1:] = mass, max(arm["payload"], 1e-6)
        # The link is a point mass at its lever; the rotor has the rest of the inertia.
        model.dof_armature[:] = arm["inertia"] - mass * LEVER**2
        model.dof_damping[:] = arm["viscous"]
        model.dof_frictionloss[:] = arm["coulomb"]
        model.actuator_gainprm[0, 0] = arm["strength"]
        model.tendon_lengthspring[0, 1] = arm["stop"]
        model.tendon_stiffness[:] = arm["stop_stiffness"]
        # Quantities that MuJoCo derives from these, such as the weight of a friction constraint.
        mujoco.mj_setConst(model, self._data)
