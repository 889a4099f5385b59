"""The strategy's model."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import AdaptPart


def _compute(work: Work) -> AdaptPart:
    from tlbench.engine.adaptation import adapt, labels_given
    from tlbench.engine.models import WEIGHTS, read_model
    from tlbench.engine.prepared import Prepared
    from tlbench.learning.model import save_weights, trained_parameters

    pairing, prepared = work.pairing, Prepared.read(work.above["prepare"])
    start = read_model(pairing, prepared, work.settings.device, work.above["source"], "source")
    model = adapt(pairing, prepared, start, work.on_step)
    save_weights(model, work.folder / WEIGHTS)
    return AdaptPart(trained_parameters=trained_parameters(start, model), **labels_given(pairing, prepared))


STAGE = Stage(
    name="adapt",
    compute=_compute,
    after=("prepare", "source"),
    inputs=(
        "strategy.name",
        "strategy.adapt",
        "strategy.access",
        "strategy.trains_encoder",
        "strategy.from_source",
        "strategy_options",
        "label_budget",
    ),
)
