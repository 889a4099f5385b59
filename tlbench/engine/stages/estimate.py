"""What an estimator says of the source model and the label budget: shared by all strategies."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import EstimatePart


def _compute(work: Work) -> EstimatePart:
    from tlbench.engine.estimation import estimate
    from tlbench.engine.models import read_source
    from tlbench.engine.prepared import Prepared

    prepared = Prepared.read(work.above["prepare"])
    model = read_source(work.pairing, prepared, work.settings.device, work.above["source"])
    return estimate(work.pairing, prepared, model)


STAGE = Stage(
    name="estimate",
    compute=_compute,
    after=("prepare", "source"),
    inputs=("label_budget", "estimators"),
    each="estimators",
)
