"""What the plugin of mixed examples offers."""

from __future__ import annotations

from tlbench import Access, Option, StrategySpec, deferred, hookimpl, training_options

TLBENCH_API = 2


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="mixup",
            title="MixUp",
            summary="Fine-tunes on weighted means of two examples, with the same weighted mean of their losses.",
            paper="Zhang et al. 2018, mixup: beyond empirical risk minimization, arXiv:1710.09412",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            on_request=True,
            options=(
                *training_options(steps=120, learning_rate=1e-3),
                _alpha(0.2, "weights"),
            ),
            modalities=("image", "series", "tabular"),
            needs=("unit-targets",),
            selections=("target-validation",),
            recipe="full",
            adapt=deferred("tlbench_mixing.strategies", "mixup"),
        ),
        StrategySpec(
            name="cutmix",
            title="CutMix",
            summary="Fine-tunes on images with a rectangle of another image, and losses weighted by the areas.",
            paper="Yun et al. 2019, CutMix: regularization strategy to train strong classifiers, arXiv:1905.04899",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            on_request=True,
            options=(
                *training_options(steps=120, learning_rate=1e-3),
                _alpha(1.0, "areas"),
            ),
            modalities=("image",),
            needs=("unit-targets", "one-prediction", "one-encoder"),
            selections=("target-validation",),
            recipe="full",
            adapt=deferred("tlbench_mixing.strategies", "cutmix"),
        ),
    ]


def _alpha(default: float, of: str) -> Option:
    return Option(
        name="alpha",
        default=default,
        summary=f"both parameters of the Beta distribution of {of}",
        least=1e-3,
        tune=5,
    )
