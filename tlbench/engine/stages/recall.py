"""What adaptation left of the remembered task: its probe after, and forgetting."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import RecallPart


def _compute(work: Work) -> RecallPart:
    from tlbench.engine.contents import row_part
    from tlbench.engine.models import read_adapted, read_source
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.recall import probe_remembered
    from tlbench.learning.metrics.forgetting import forgetting
    from tlbench.learning.model import state_hash

    pairing, prepared, device = work.pairing, Prepared.read(work.above["prepare"]), work.settings.device
    assert pairing.remembered is not None
    before = float(row_part(work.above["remember"])["probe_before"])
    start = read_source(pairing, prepared, device, work.above["source"])
    model = read_adapted(pairing, prepared, device, work.above["adapt"])
    # Features of an encoder that did not change are the same: a frozen encoder forgets exactly 0.
    same = state_hash(start.encoder) == state_hash(model.encoder)
    known = Prepared.read(work.above["remember"])
    after = before if same else probe_remembered(pairing.remembered, known, model)
    return RecallPart(probe_after=after, forgetting_probe=forgetting(before, after))


STAGE = Stage(
    name="recall",
    compute=_compute,
    after=("prepare", "source", "remember", "adapt"),
    # A strategy that starts from new weights has nothing to forget.
    needed=lambda plan: getattr(plan, "remembered", None) is not None and plan.strategy.from_source,  # type: ignore[attr-defined]
)
