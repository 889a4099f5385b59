"""The adapted model as an ONNX file, its parity with torch, and the score of the file on the target test split."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import ExportPart


def _compute(work: Work) -> ExportPart:
    from tlbench.engine.models import read_model
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.serving import export_and_score

    prepared = Prepared.read(work.above["prepare"])
    model = read_model(work.pairing, prepared, work.settings.device, work.above["adapt"], *prepared.heads)
    graph = work.above["graph"] / "graph.onnx"
    return export_and_score(work.pairing, work.settings, prepared, model, graph, work.folder)


STAGE = Stage(
    name="export",
    compute=_compute,
    after=("prepare", "adapt", "graph"),
    inputs=("task.metric", "task.evaluate"),
)
