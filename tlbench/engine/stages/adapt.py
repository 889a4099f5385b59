"""The strategy's model."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import AdaptPart


def _compute(work: Work) -> AdaptPart:
    from tlbench.engine.adaptation import adapt
    from tlbench.engine.given import labels_given
    from tlbench.engine.models import WEIGHTS, arithmetic, read_source
    from tlbench.engine.prepared import Prepared
    from tlbench.learning.model import save_weights

    pairing, prepared = work.pairing, Prepared.read(work.above["prepare"], work.above.get("teach"))
    settings = work.settings
    start = read_source(pairing, prepared, settings.device, work.above["source"])
    adapted = adapt(pairing, prepared, start, work.on_step, arithmetic(settings))
    save_weights(adapted.model, work.folder / WEIGHTS)
    return AdaptPart(
        trained_parameters=adapted.trained_parameters,
        training_labels=adapted.training_labels,
        device_seconds=adapted.device_seconds,
        training_loss=adapted.training_loss or None,
        **labels_given(pairing, prepared),
    )


STAGE = Stage(
    name="adapt",
    compute=_compute,
    after=("prepare", "source", "teach"),
    inputs=(
        "task.metric",
        "task.metric_of_source",
        "strategy.name",
        "strategy.adapt",
        "strategy.access",
        "strategy.trains_encoder",
        "strategy.selection",
        "selection",
        "host_rule",
        "strength",
        "strategy_options",
        "extension",
        "backbone.encode_labels",
        "label_budget",
    ),
)
