"""What the plugin of self-supervised training on target inputs offers."""

from __future__ import annotations

from tlbench import Access, Option, StrategySpec, deferred, hookimpl, training_options

TLBENCH_API = 2

INPUTS_AND_LABELS = frozenset({Access.TARGET_INPUTS, Access.TARGET_LABELS})
FULL = training_options(steps=120, learning_rate=1e-3)
PRETEXT = Option(
    name="pretext_steps",
    default=250,
    summary="steps on unlabelled target inputs, before those of fine-tuning",
    unit="steps",
    least=0,
)


def _simclr() -> StrategySpec:
    return StrategySpec(
        name="simclr",
        title="SimCLR, then fine-tuning",
        summary="Contrasts two views of each unlabelled target input, then fine-tunes on the label budget.",
        paper="Chen et al. 2020, A simple framework for contrastive learning of visual representations, "
        "arXiv:2002.05709",
        access=INPUTS_AND_LABELS,
        trains_encoder=True,
        on_request=True,
        needs=("two-views",),
        recipe="full",
        options=(
            *FULL,
            PRETEXT,
            Option(name="temperature", default=0.5, summary="temperature of the contrastive loss", least=0.01),
            Option(name="projection", default=128, summary="width of the projected features", least=1),
        ),
        adapt=deferred("tlbench_pretext.simclr", "simclr"),
    )


def _masked_series() -> StrategySpec:
    return StrategySpec(
        name="masked-series",
        title="Masked values, then fine-tuning",
        summary="Predicts masked values of unlabelled target series or rows, then fine-tunes on the label budget.",
        paper="Zerveas et al. 2021, A transformer-based framework for multivariate time series representation "
        "learning, arXiv:2010.02803",
        access=INPUTS_AND_LABELS,
        trains_encoder=True,
        on_request=True,
        modalities=("series", "tabular"),
        needs=("one-encoder",),
        recipe="full",
        options=(
            *FULL,
            PRETEXT,
            Option(name="masked", default=0.15, summary="part of the values that is masked", least=0, most=0.99),
            Option(name="segment", default=3.0, summary="mean length of a masked segment of a series", least=1),
        ),
        adapt=deferred("tlbench_pretext.masked_series", "masked_series"),
    )


def _tapt() -> StrategySpec:
    return StrategySpec(
        name="tapt",
        title="Task-adaptive pre-training, then fine-tuning",
        summary="Predicts masked tokens of unlabelled target texts, then fine-tunes on the label budget.",
        paper="Gururangan et al. 2020, Don't stop pretraining: adapt language models to domains and tasks, "
        "arXiv:2004.10964",
        access=INPUTS_AND_LABELS,
        trains_encoder=True,
        on_request=True,
        needs=("masked-tokens",),
        recipe="full",
        options=(
            *FULL,
            PRETEXT,
            Option(name="masked", default=0.15, summary="part of the tokens that is to be predicted", least=0, most=1),
        ),
        adapt=deferred("tlbench_pretext.tapt", "tapt"),
    )


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [_simclr(), _masked_series(), _tapt()]
