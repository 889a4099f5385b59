"""The baselines, which run for every (task, backbone) of a plan."""

from __future__ import annotations

from tlbench import Access, StrategySpec, deferred, hookimpl, training_options

TLBENCH_API = 2
BASELINES = [
    StrategySpec(
        name="constant",
        title="Constant prediction",
        summary="Predicts the same for every input: the label frequencies, or the mean, of the label budget.",
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=False,
        augments=False,
        baseline=True,
        from_source=False,
        adapt=deferred("tlbench_baselines.strategy", "predict_constant"),
    ),
    StrategySpec(
        name="source-only",
        title="Source only",
        summary="Applies the source model to the target without adaptation.",
        access=frozenset(),
        trains_encoder=False,
        augments=False,
        baseline=True,
        settings=("transductive",),
        adapt=deferred("tlbench_baselines.strategy", "source_only"),
    ),
    StrategySpec(
        name="scratch",
        title="From scratch",
        summary="Trains random weights on the label budget, without transfer, for as many steps as fine-tuning.",
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=True,
        baseline=True,
        from_source=False,
        recipe="scratch",
        options=training_options(steps=120, learning_rate=2e-3),
        adapt=deferred("tlbench_baselines.strategy", "scratch"),
    ),
    StrategySpec(
        name="all-labels",
        title="All target labels",
        summary="Fine-tunes the source model on all target training labels: an upper bound.",
        access=frozenset({Access.TARGET_ALL_LABELS}),
        trains_encoder=True,
        baseline=True,
        recipe="all-labels",
        options=training_options(steps=300, learning_rate=2e-3),
        adapt=deferred("tlbench_baselines.strategy", "train_on_all_labels"),
    ),
    StrategySpec(
        name="classical",
        title="Classical model",
        summary="Fits a linear model or boosted trees to fixed features of the label budget, without transfer.",
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=False,
        augments=False,
        baseline=True,
        from_source=False,
        selection="target-folds",
        needs=("probe", "linear-head"),
        extend=deferred("tlbench_baselines.classical.strategy", "extend"),
        adapt=deferred("tlbench_baselines.classical.strategy", "classical"),
    ),
]


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return BASELINES
