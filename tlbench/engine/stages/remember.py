"""A task that must not be forgotten, prepared for the encoder of a pairing without a source, and its probe before."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import RememberPart


def _compute(work: Work) -> RememberPart:
    from tlbench.engine.models import read_source
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.recall import prepare_remembered, probe_remembered

    pairing, prepared = work.pairing, Prepared.read(work.above["prepare"])
    kept = pairing.remembered
    assert kept is not None
    known = prepare_remembered(pairing, prepared, work.folder)
    model = read_source(pairing, prepared, work.settings.device, work.above["source"])
    return RememberPart(
        source_metric=kept.metric,
        source_test_size=len(known.split("source-test")),
        probe_before=probe_remembered(kept, known, model),
    )


STAGE = Stage(
    name="remember",
    compute=_compute,
    after=("prepare", "source"),
    inputs=("remembered",),
    needed=lambda plan: getattr(plan, "remembered", None) is not None,
)
