"""The latency of a graph, measured once for all rows that serve it, in a process of its own without torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import LatencyPart


def _compute(work: Work) -> LatencyPart:
    from tlbench.engine.measuring import measure_in_child

    served, settings = work.above["export"], work.settings
    measured = measure_in_child(served, settings.device, settings.threads, work.folder)
    # Hundreds of values stay in the stage's folder; the row has their percentiles.
    measured.pop("raw_ms")
    return LatencyPart(**measured)


def served_graph(above: Mapping[str, Path]) -> Any:
    """Return what a latency depends on: the graph without its weights, the shapes of its inputs, and the machine."""
    from tlbench.engine.contents import row_part
    from tlbench.planning.fingerprints import machine

    part = row_part(above["export"])
    return {"machine": machine(), **{name: part[name] for name in ("graph", "shapes", "offline_shapes")}}


STAGE = Stage(
    name="latency",
    compute=_compute,
    after=("export",),
    inputs=("settings.device", "settings.threads"),
    content=served_graph,
)
