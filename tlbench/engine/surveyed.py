"""A survey as data: what a child found of the data and the model of a task with a backbone. Light."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tlbench.engine.job import Job
from tlbench.errors import StoreError


@dataclass(frozen=True, kw_only=True)
class Question:
    """A task with a backbone of which the plan does not know enough."""

    jobs: Sequence[Job]
    """One for each kind of training that is to be timed, or one alone."""
    measure: bool
    """Whether training steps are timed."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The answer."""

    facts: Mapping[str, Any]
    """What `tlbench.engine.contents.facts` returns."""
    prepare: float
    """Seconds in which the data was prepared."""
    costs: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """`source`, or a kind of training -> seconds of what is done once, and of each step."""
    encode: float | None = None
    """Seconds that the features of an example take; None if nothing was timed."""
    parameters: int = 0
    """Of the encoder."""
    memory: int = 0
    """Bytes that the process took."""

    @classmethod
    def from_json(cls, value: Any) -> Survey:
        """Return the survey of another process. Raises `StoreError` for anything else."""
        try:
            costs = {str(name): (_number(once), _number(step)) for name, (once, step) in value["costs"].items()}
            encode = value.get("encode")
            return cls(
                facts=dict(value["facts"]),
                prepare=_number(value["prepare"]),
                costs=costs,
                encode=None if encode is None else _number(encode),
                parameters=int(_number(value.get("parameters", 0))),
                memory=int(_number(value.get("memory", 0))),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"Invalid survey: {type(error).__name__}: {error}") from error


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
        raise ValueError(value)
    return float(value)
