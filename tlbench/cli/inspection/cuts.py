"""Answers that the default backbone never reads, because they stand behind the cut of a long context."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tlbench.contract.specs import TaskSpec
from tlbench.contract.task_data import TaskData

if TYPE_CHECKING:
    from tlbench.contract.backbone_specs import BackboneSpec


def answers_behind_the_cut(task: TaskSpec, data: TaskData, backbone: BackboneSpec) -> Iterator[str]:
    """Yield a sentence for each split with answers, of those that are cut off at least in part.

    They are those of a plan with the backbone's default options. Nothing for a kind whose answers are no words of a
    context, and for a backbone that reads a checkpoint.
    """
    from tlbench.contract.requests import FitRequest, PrepareRequest
    from tlbench.engine.facts import LIMIT, answer_facts
    from tlbench.engine.prepared import check_data, split_of, splits_of
    from tlbench.learning.data import Inputs
    from tlbench.planning.catalog import missing

    options = {option.name: option.default for option in backbone.options}
    if task.kind.layout != "context" or backbone.checkpoint or LIMIT not in options or missing(backbone):
        return
    setting = task.setting if data.source else "target-only"
    targets = check_data(task, setting, data)
    learnt = (data.source or data.target).train.inputs
    fitted = backbone.fit(FitRequest(inputs=learnt, options=options, layout=task.kind.layout))
    for name in splits_of(data):
        columns = backbone.prepare(
            PrepareRequest(inputs=split_of(data, name).inputs, fitted=fitted, options=options, layout="context")
        )
        facts = answer_facts(Inputs(tuple(columns)), targets[name].values[:, :2])
        if cut := facts["answers_cut"]:
            yield (
                f"{cut} of {facts['answers']} answers of the {name.replace('-', ' ')} split are behind the cut of "
                f"{task.backbone} at {options[LIMIT]} tokens, at least in part: the model does not read them. Run with "
                f"--set backbone.{LIMIT}={2 * int(options[LIMIT])}."
            )
