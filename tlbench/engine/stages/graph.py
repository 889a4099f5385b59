"""The unoptimised ONNX graph: one for all models of the same architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench.engine.stage import Stage, Work


def _compute(work: Work) -> None:
    from tlbench.deploy.onnx_graph import export_graph
    from tlbench.engine.models import read_model
    from tlbench.engine.prepared import Prepared

    prepared = Prepared.read(work.above["prepare"])
    model = read_model(work.pairing, prepared, work.settings.device, work.above["adapt"], *prepared.heads)
    export_graph(model, prepared.split("target-test").inputs, work.folder / "graph.onnx")


def architecture(above: Mapping[str, Path]) -> Any:
    """Return what a graph depends on: what was fitted, the shapes of weights and of one test example."""
    from tlbench.engine.contents import fitted, input_shapes, weight_shapes

    return {
        "fitted": fitted(above["prepare"]),
        "weights": weight_shapes(above["adapt"]),
        "inputs": input_shapes(above["prepare"], "target-test"),
    }


STAGE = Stage(
    name="graph",
    compute=_compute,
    after=("prepare", "adapt"),
    inputs=(
        "task.kind",
        "task.kind_of_source",
        "backbone.build",
        "backbone_options",
        "files",
        "settings.device",
    ),
    content=architecture,
)
