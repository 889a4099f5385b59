"""What the plugin of frozen encoders offers."""

from __future__ import annotations

from tlbench import Access, StrategySpec, deferred, hookimpl

TLBENCH_API = 2


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="frozen",
            title="Frozen features",
            summary="Trains a new linear head on the features of the frozen source encoder.",
            paper="Kornblith et al. 2019, Do better ImageNet models transfer better?, arXiv:1805.08974",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=False,
            augments=False,
            selection="target-folds",
            needs=("probe",),
            recipe="head",
            adapt=deferred("tlbench_frozen.strategy", "frozen"),
        ),
    ]
