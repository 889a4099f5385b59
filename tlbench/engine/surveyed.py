"""A survey as data: what a child found of the data and the model of a task with a backbone. Light."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tlbench.engine.job import Job
from tlbench.errors import StoreError

COUNTS = ("examples", "limit", "at_limit", "answers", "answers_cut", "answers_at_limit")
"""Counts of a split: examples, the limit of their length and how many reach it, answers and how many are cut off."""
SIZES = ("original", "raw", "input")
"""Sizes of examples: of images in their files, as the task loads them, and as the encoder takes them."""

LONGEST = 5_000
"""Characters of an error that are shown."""


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

    facts: Mapping[str, Any] = field(default_factory=dict)
    """What `tlbench.engine.contents.facts` returns; empty if the data cannot be prepared."""
    prepare: float = 0.0
    """Seconds in which the data was prepared."""
    error: str = ""
    """Why the data cannot be prepared or the model not be built: the runs will fail."""
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
            error = str(value.get("error", ""))[:LONGEST]
            if error and "facts" not in value:
                return cls(error=error)
            costs = {str(name): (_number(once), _number(step)) for name, (once, step) in value["costs"].items()}
            encode = value.get("encode")
            return cls(
                facts=_facts(value["facts"]),
                prepare=_number(value["prepare"]),
                error=error,
                costs=costs,
                encode=None if encode is None else _number(encode),
                parameters=int(_number(value.get("parameters", 0))),
                memory=int(_number(value.get("memory", 0))),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"Invalid survey: {type(error).__name__}: {error}") from error


def _facts(value: Any) -> dict[str, Any]:
    splits = {str(name): _split(split) for name, split in value["splits"].items()}
    if not splits.keys() >= {"target-train", "target-test"}:
        raise ValueError(list(splits))
    rate = value["sample_rate"]
    rate = None if rate is None else int(_number(rate))
    return {"splits": splits, "sample_rate": rate, "classes": int(_number(value["classes"]))}


def _split(value: Any) -> dict[str, Any]:
    counts = {name: int(_number(value[name])) for name in COUNTS if name in value}
    return {"examples": counts.pop("examples"), **counts, **{name: _range(value[name]) for name in SIZES}}


def _range(value: Any) -> list[list[int]] | None:
    """Return the smallest and the largest number of each axis."""
    if value is None:
        return None
    low, high = ([int(_number(axis)) for axis in sizes] for sizes in value)
    if len(low) != len(high):
        raise ValueError(value)
    return [low, high]


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
        raise ValueError(value)
    return float(value)
