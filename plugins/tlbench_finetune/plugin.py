"""What the plugin of full fine-tuning offers."""

from __future__ import annotations

from tlbench import Access, StrategySpec, deferred, hookimpl, training_options

TLBENCH_API = 2


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="finetune",
            title="Full fine-tuning",
            summary="Trains all weights of the source model on the label budget.",
            paper="Yosinski et al. 2014, How transferable are features in deep neural networks?, arXiv:1411.1792",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            options=training_options(steps=120, learning_rate=1e-3),
            selections=("target-validation",),
            recipe="full",
            adapt=deferred("tlbench_finetune.strategy", "finetune"),
        )
    ]
