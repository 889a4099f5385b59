"""What an analysis says of the model before and after adaptation."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import AnalysisPart


def _compute(work: Work) -> AnalysisPart:
    from tlbench.engine.analysis import analyse
    from tlbench.engine.models import read_adapted, read_source
    from tlbench.engine.prepared import Prepared

    pairing, device = work.pairing, work.settings.device
    prepared = Prepared.read(work.above["prepare"])
    before = read_source(pairing, prepared, device, work.above["source"])
    after = read_adapted(pairing, prepared, device, work.above["adapt"])
    return analyse(pairing, prepared, before, after, work.folder)


STAGE = Stage(
    name="analyse",
    compute=_compute,
    after=("prepare", "source", "adapt"),
    inputs=("analyses",),
    each="analyses",
)
