"""The matrix R before and after adaptation, and forgetting."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import ScorePart


def _compute(work: Work) -> ScorePart:
    import json

    from tlbench.engine.models import read_adapted, read_source
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.scoring import SplitFeatures, score_both_stages
    from tlbench.engine.target_scores import score_target

    above, device = work.above, work.settings.device
    prepared = Prepared.read(above["prepare"])
    model = read_adapted(work.pairing, prepared, device, above["adapt"])
    if prepared.source_labels is None:
        return score_target(work.pairing, prepared, model)
    start = read_source(work.pairing, prepared, device, above["source"])
    before = SplitFeatures.read(above["features"] / "features.npz")
    probe = json.loads((above["features"] / "probe.json").read_text(encoding="utf-8"))["score"]
    return score_both_stages(work.pairing, prepared, start, before, probe, model)


STAGE = Stage(
    name="score",
    compute=_compute,
    after=("prepare", "source", "features", "adapt"),
    inputs=("strategy.from_source",),
)
