"""The matrix R before and after adaptation, and forgetting."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import ScorePart


def _compute(work: Work) -> ScorePart:
    import json

    import numpy as np

    from tlbench.engine.models import read_model
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.scoring import SplitFeatures, score_both_stages
    from tlbench.engine.target_scores import score_target

    above, device = work.above, work.settings.device
    prepared = Prepared.read(above["prepare"])
    if prepared.source_labels is None:
        model = read_model(work.pairing, prepared, device, above["adapt"], *prepared.heads)
        return score_target(work.pairing, prepared, model)
    start = read_model(work.pairing, prepared, device, above["source"], "source")
    model = read_model(work.pairing, prepared, device, above["adapt"], *prepared.heads)
    with np.load(above["features"] / "features.npz", allow_pickle=False) as arrays:
        before = SplitFeatures(**arrays)
    probe = json.loads((above["features"] / "probe.json").read_text(encoding="utf-8"))["score"]
    return score_both_stages(work.pairing, prepared, start, before, probe, model)


STAGE = Stage(
    name="score",
    compute=_compute,
    after=("prepare", "source", "features", "adapt"),
    inputs=("task.metric",),
)
