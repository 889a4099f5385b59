"""The references: every (task, backbone) of a plan gets them without being asked."""

from __future__ import annotations

from tlbench import Access, StrategySpec, deferred, hookimpl, training_options


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="constant",
            title="Majority",
            summary="The label budget's label frequencies for every input: what knowing nothing of the input gives.",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=False,
            baseline=True,
            from_source=False,
            adapt=deferred("tlbench_baselines.strategy", "majority"),
        ),
        StrategySpec(
            name="source-only",
            title="Source only",
            summary="The source model as it is, on the target: what adaptation has to beat.",
            access=frozenset(),
            trains_encoder=False,
            baseline=True,
            settings=("transductive",),
            adapt=deferred("tlbench_baselines.strategy", "source_only"),
        ),
        StrategySpec(
            name="scratch",
            title="From scratch",
            summary="New weights, trained on the label budget alone: what transfer has to beat.",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            baseline=True,
            from_source=False,
            options=training_options(steps=250, learning_rate=2e-3),
            adapt=deferred("tlbench_baselines.strategy", "scratch"),
        ),
        StrategySpec(
            name="all-labels",
            title="Target oracle",
            summary="The source model fine-tuned on all target training labels: what more labels would give.",
            access=frozenset({Access.TARGET_ALL_LABELS}),
            trains_encoder=True,
            baseline=True,
            options=training_options(steps=300, learning_rate=2e-3),
            adapt=deferred("tlbench_baselines.strategy", "oracle"),
        ),
    ]
