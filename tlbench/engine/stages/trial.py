"""One setting of a strategy on folds of the label budget, for `--tune`."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.engine.stages import adapt


def _compute(work: Work) -> None:
    from tlbench.engine.folds import try_on_folds
    from tlbench.engine.models import arithmetic, read_source
    from tlbench.engine.prepared import Prepared
    from tlbench.results.files import write_json

    prepared = Prepared.read(work.above["prepare"], work.above.get("teach"))
    source = read_source(work.pairing, prepared, work.settings.device, work.above["source"])
    found = try_on_folds(work.pairing, prepared, source, work.on_step, arithmetic(work.settings))
    write_json(work.folder / "trial.json", found)


STAGE = Stage(
    name="trial",
    compute=_compute,
    after=("prepare", "source", "teach"),
    # What a strategy promises is checked where it adapts with all labels.
    inputs=(*(path for path in adapt.STAGE.inputs if path != "strategy.trains_encoder"), "few_labels"),
)
