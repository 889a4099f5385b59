"""The source encoder's features, its probe and the A-distance: shared by all strategies that start from it."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import FeaturesPart


def _compute(work: Work) -> FeaturesPart:
    from tlbench.engine.models import read_source
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.scoring import extract_features, probe_score
    from tlbench.learning.domain_distance import a_distance
    from tlbench.results.files import write_json

    task, prepared = work.pairing.task, Prepared.read(work.above["prepare"])
    model = read_source(work.pairing, prepared, work.settings.device, work.above["source"])
    features = extract_features(task, model, prepared)
    features.save(work.folder / "features.npz")
    write_json(work.folder / "probe.json", {"score": probe_score(task, prepared, features)})
    return FeaturesPart(a_distance=a_distance(features.source_test.values, features.target_test.values))


# A stage of its own, since the source features are the same for every strategy.
STAGE = Stage(
    name="features",
    compute=_compute,
    after=("prepare", "source"),
    inputs=("task.metric_of_source",),
    needed=lambda plan: plan.has_source,
)
