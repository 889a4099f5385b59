"""What another process reports of a pairing, checked: code of a plugin can write to the same connection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tlbench.contract.events import Event
from tlbench.engine.draft import Draft
from tlbench.engine.job import Job
from tlbench.errors import StoreError

OF_STAGES = ("stage-started", "step", "stage-finished")
"""Events that the process of a pairing sends."""
SAME = ("key", "task", "backbone", "strategy", "seed", "machine", "device", "threads")
"""Fields that the row of a job has in common with the job."""


def reported_event(value: Any, job: Job) -> Event:
    """Return an event of a job's stages. Raises `StoreError` for anything else."""
    try:
        event = Event(**{**value, "pairing": job.title})
    except TypeError as error:
        raise StoreError(f"The event is not valid: {error}") from error
    numbers, flags = (event.done, event.total, event.seconds), (event.cached,)
    if not (
        event.name in OF_STAGES
        and isinstance(event.stage, str)
        and all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
        and all(isinstance(flag, bool) for flag in flags)
        and isinstance(event.values, Mapping)
    ):
        raise StoreError("The event is not one of a stage.")
    return event


def reported_draft(value: Any, job: Job) -> Draft:
    """Return the draft of a job. Raises `StoreError` for anything else."""
    draft = Draft.from_json(value)
    if any(getattr(draft.row, name) != job.fields[name] for name in SAME):
        raise StoreError("It is the row of another pairing.")
    if draft.row.status == "ok" and "export" not in draft.stages:
        raise StoreError("It has a score without an exported model.")
    return draft


def reported_failures(value: Any) -> dict[str, list[Any]]:
    """Return what failed: key of a stage -> stage, reason, whether the request is at fault. Leaves out all else."""
    failures = value if isinstance(value, dict) else {}
    return {key: list(failure) for key, failure in failures.items() if _is_failure(failure)}


def _is_failure(value: Any) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [str, str, bool]
