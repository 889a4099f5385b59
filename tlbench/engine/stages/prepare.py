"""Raw data -> model inputs of all four splits, and what the backbone learnt from the source's training inputs."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import PreparedPart


def _compute(work: Work) -> PreparedPart:
    from tlbench.engine.prepared import prepare

    return PreparedPart(data_sha256=prepare(work.pairing, work.folder).sha256)


# No seed: all seeds and strategies of a task and backbone share the prepared data.
STAGE = Stage(
    name="prepare",
    compute=_compute,
    inputs=(
        "load_request",
        "task.name",
        "task.load",
        "task.kind",
        "task.kind_of_source",
        "task.setting",
        "backbone.fit",
        "backbone.prepare",
        "backbone.preprocess",
        "backbone_options",
        "files",
    ),
)
