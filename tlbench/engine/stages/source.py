"""The source model: trained on the source, probed, or the checkpoint as it is."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import SourcePart


def _compute(work: Work) -> SourcePart:
    from tlbench.engine.models import WEIGHTS, arithmetic
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.source_model import train_source
    from tlbench.learning.model import save_weights

    prepared = Prepared.read(work.above["prepare"])
    settings = work.settings
    model = train_source(work.pairing, prepared, settings.device, work.on_step, arithmetic(settings))
    save_weights(model, work.folder / WEIGHTS)
    loaded, expected = model.encoder.coverage or (None, None)
    return SourcePart(weights_loaded=loaded, weights_expected=expected)


STAGE = Stage(
    name="source",
    compute=_compute,
    after=("prepare",),
    inputs=(
        "seed",
        "source_options",
        "source_mode",
        "sets_aside_source",
        "transformations",
        "task.augment_strength",
        "backbone.name",
        "backbone.build",
        "backbone.augment",
        "backbone.augments_on_device",
        "backbone.remask",
        "backbone.own_head",
        "settings.device",
        "settings.threads",
        "settings.training_precision",
        "settings.accumulation_steps",
        "settings.compiled",
    ),
)
