"""What the plugin of adversarial adaptation offers."""

from __future__ import annotations

from tlbench import (
    BY_SOURCE_LABELS,
    BY_TARGET_INPUTS,
    Access,
    Option,
    StrategySpec,
    deferred,
    hookimpl,
    training_options,
)

TLBENCH_API = 2


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="adversarial",
            title="Adversarial adaptation",
            summary="DANN, or CDAN with conditional=true: features from which a discriminator cannot tell the domain.",
            paper="Ganin et al. 2016, arXiv:1505.07818; Long et al. 2018, arXiv:1705.10667",
            access=frozenset({Access.SOURCE, Access.TARGET_INPUTS}),
            trains_encoder=True,
            settings=("transductive",),
            options=(
                *training_options(steps=250, learning_rate=1e-3),
                Option(
                    name="conditional",
                    default=False,
                    summary="CDAN, if the kind gives class probabilities: the discriminator also gets the predictions",
                    in_recipes=True,
                ),
                Option(
                    name="weight",
                    default=1.0,
                    summary="final weight of the reversed gradient (lambda)",
                    in_recipes=True,
                    least=0,
                ),
                Option(name="hidden", default=64, summary="units of each discriminator layer", least=1),
                Option(
                    name="discriminator_rate",
                    default=10.0,
                    summary="rate of the discriminator over learning_rate",
                    least=0,
                ),
            ),
            selection="class-shares",
            selections=("last", *BY_SOURCE_LABELS, *BY_TARGET_INPUTS),
            recipe="adversarial",
            adapt=deferred("tlbench_adversarial.strategy", "adversarial"),
        )
    ]
