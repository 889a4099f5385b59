"""Raw data -> model inputs of all splits, and what the backbone learnt from training inputs."""

from __future__ import annotations

from tlbench.engine.stage import Stage, Work
from tlbench.results.parts import PreparedPart


def _compute(work: Work) -> PreparedPart:
    from tlbench.engine.copies import count_copies
    from tlbench.engine.prepared import prepare

    prepared = prepare(work.pairing, work.folder)

    def copies(domain: str) -> int:
        return count_copies(prepared.split(f"{domain}-train").inputs, prepared.split(f"{domain}-test").inputs)

    return PreparedPart(
        data_sha256=prepared.sha256,
        fitted_on=prepared.fitted_on,
        test_copies=copies("target"),
        test_near_copies=prepared.near_copies,
        source_test_copies=None if prepared.source_labels is None else copies("source"),
    )


# No seed: all seeds and strategies of a task with a source and a backbone share the prepared data.
STAGE = Stage(
    name="prepare",
    compute=_compute,
    inputs=(
        "load_request",
        "task.name",
        "task.load",
        "task.kind",
        "task.kind_of_source",
        "setting",
        "fit_inputs",
        "backbone.modality",
        "backbone.fit",
        "backbone.prepare",
        "backbone.preprocess",
        "backbone_options",
        "files",
    ),
)
