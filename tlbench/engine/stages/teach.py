"""The features of a larger backbone, of a strategy that learns from one."""

from __future__ import annotations

from tlbench.engine.stage import TEACHER, Stage, Work
from tlbench.engine.stages import prepare, source


def _compute(work: Work) -> None:
    from tlbench.engine.models import arithmetic
    from tlbench.engine.prepared import Prepared
    from tlbench.engine.teaching import teach

    settings, prepared, teacher = work.settings, Prepared.read(work.above["prepare"]), work.pairing.teacher
    assert teacher is not None
    teach(teacher, prepared, work.folder, settings.device, work.on_step, arithmetic(settings))


# What it takes to prepare data and to train a source model, of the teacher.
OF_TEACHER = (*prepare.STAGE.inputs, *source.STAGE.inputs)
STAGE = Stage(
    name="teach",
    compute=_compute,
    after=("prepare",),
    inputs=tuple(path if path.startswith("settings.") else f"{TEACHER}{path}" for path in OF_TEACHER),
    needed=lambda plan: getattr(plan, "teacher", None) is not None,
)
