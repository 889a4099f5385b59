"""Events: what the hook `tlbench_event` receives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened during a run; `tlbench_event` receives each."""

    name: Literal[
        "plan-started",
        "pairing-started",
        "stage-started",
        "step",
        "stage-finished",
        "pairing-finished",
        "row-written",
        "plan-finished",
    ]
    """What happened. A pairing's stages lie between its start and end; those of several pairings may alternate, for
    several run at a time. At its end its row is on the board, without what only a whole run tells: baselines (transfer
    gain, gap closed) and latency. When all pairings are done, these are filled in, and `row-written` comes once for
    each row, which is then complete. A killed run lacks that event."""
    pairing: str = ""
    """The pairing's readable name: `TASK BACKBONE STRATEGY seed N`. Empty in `plan-*` and `row-written`, and for the
    stage `latency`, which many pairings share."""
    stage: str = ""
    """The stage's name, in `stage-*` and `step`."""
    done: int = 0
    """Steps of the stage, or pairings of the plan, that are done."""
    total: int = 0
    """How many there are."""
    seconds: float = 0.0
    """CPU seconds of a finished stage."""
    cached: bool = False
    """True when a stage's result was found instead of computed."""
    values: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    """`key` of its row in `pairing-started`; `loss` of a `step`; in `pairing-finished` the `row`, and the
    `traceback` of what failed, else an empty text; `row` and its `path` in `row-written`."""
