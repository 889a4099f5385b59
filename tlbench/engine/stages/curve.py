"""The target score of the model in training, for `--curves`: a second training, which must end as the first."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import CurvePart


def _compute(work: Work) -> CurvePart:
    from tlbench.engine.models import arithmetic, read_adapted, read_source
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.score_curve import score_curve

    pairing, device = work.pairing, work.settings.device
    prepared = Prepared.read(work.above["prepare"], work.above.get("teach"))
    source = read_source(pairing, prepared, device, work.above["source"])
    adapted = read_adapted(pairing, prepared, device, work.above["adapt"])
    return score_curve(pairing, prepared, source, adapted, work.on_step, arithmetic(work.settings), work.folder)


STAGE = Stage(name="curve", compute=_compute, after=("prepare", "source", "teach", "adapt"))
