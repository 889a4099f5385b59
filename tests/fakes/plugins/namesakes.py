"""A task whose name is also a backbone's."""

from __future__ import annotations

from tlbench import CLASSIFICATION, TaskSpec, hookimpl


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return [
        TaskSpec(
            name="toy/mlp",
            title="Namesake",
            summary="",
            source="",
            target="",
            shift="",
            modality="tabular",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="toy/mlp",
            label_budget=1,
            load=lambda request: None,
        )
    ]
