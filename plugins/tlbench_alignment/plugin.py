"""What the plugin of alignment offers: distances between source and target without target labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tlbench import (
    BY_SOURCE_LABELS,
    BY_TARGET_INPUTS,
    Access,
    Option,
    Selection,
    StrategySpec,
    deferred,
    hookimpl,
    training_options,
)

TLBENCH_API = 2


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [*of_distances(), *of_predictions()]


def of_distances() -> list[StrategySpec]:
    return [
        _strategy(
            "coral",
            "Deep CORAL",
            "Trains on the source while the covariances of the features of both domains are brought together.",
            "Sun & Saenko 2016, Deep CORAL: correlation alignment for deep domain adaptation, arXiv:1607.01719",
            deferred("tlbench_alignment.coral", "coral"),
            _weight(10.0, "weight of the CORAL loss (lambda)"),
        ),
        _strategy(
            "mmd",
            "Multi-kernel MMD (DAN)",
            "Trains on the source while the MMD between the features of both domains is minimised.",
            "Long et al. 2015, Learning transferable features with deep adaptation networks, arXiv:1502.02791",
            deferred("tlbench_alignment.mmd", "mmd"),
            _weight(1.0, "weight of the MMD (lambda)"),
        ),
        _strategy(
            "jan",
            "Joint MMD (JAN)",
            "Trains on the source while the MMD between features and predictions together is minimised.",
            "Long et al. 2017, Deep transfer learning with joint adaptation networks, arXiv:1605.06636",
            deferred("tlbench_alignment.mmd", "jan"),
            _weight(1.0, "weight of the joint MMD (lambda)"),
            needs=("class-probabilities",),
        ),
    ]


def of_predictions() -> list[StrategySpec]:
    return [
        _strategy(
            "mcd",
            "Maximum classifier discrepancy",
            "Two classifiers disagree on target inputs as far as source labels allow; the encoder makes them agree.",
            "Saito et al. 2018, Maximum classifier discrepancy for unsupervised domain adaptation, arXiv:1712.02560",
            deferred("tlbench_alignment.mcd", "mcd"),
            Option(
                name="encoder_steps",
                default=4,
                summary="steps of the encoder against the discrepancy for each batch (n)",
                unit="updates",
                least=0,
            ),
            needs=("class-probabilities", "probe"),
            # The classifier that is served is the mean of two, made behind the training.
            selections=(),
        ),
        _strategy(
            "mcc",
            "Minimum class confusion",
            "Trains on the source while predictions for target inputs are made to confuse classes less.",
            "Jin et al. 2020, Minimum class confusion for versatile domain adaptation, arXiv:1912.03699",
            deferred("tlbench_alignment.mcc", "mcc"),
            _weight(1.0, "weight of the class confusion (mu)"),
            Option(name="temperature", default=2.5, summary="softness of the predictions (T)", least=0.01),
            needs=("class-probabilities",),
        ),
    ]


def _strategy(
    name: str,
    title: str,
    summary: str,
    paper: str,
    adapt: Callable[..., Any],
    *options: Option,
    needs: tuple[str, ...] = (),
    selections: tuple[Selection, ...] = (*BY_SOURCE_LABELS, *BY_TARGET_INPUTS),
) -> StrategySpec:
    """Return a strategy that trains on source labels and target inputs."""
    return StrategySpec(
        name=name,
        title=title,
        summary=summary,
        paper=paper,
        access=frozenset({Access.SOURCE, Access.TARGET_INPUTS}),
        trains_encoder=True,
        on_request=True,
        settings=("transductive",),
        needs=needs,
        selections=selections,
        recipe="adversarial",
        options=(*training_options(steps=250, learning_rate=1e-3), *options),
        adapt=adapt,
    )


def _weight(default: float, summary: str) -> Option:
    return Option(name="weight", default=default, summary=summary, least=0)
