"""What the plugin of strategies against forgetting offers."""

from __future__ import annotations

from tlbench import Access, Option, StrategySpec, deferred, hookimpl, training_options

TLBENCH_API = 2
LABELS = frozenset({Access.TARGET_LABELS})
LABELS_AND_SOURCE = frozenset({Access.TARGET_LABELS, Access.SOURCE})


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [l2_sp(), ewc(), lwf(), replay(), wise_ft(), sam()]


def l2_sp() -> StrategySpec:
    return StrategySpec(
        name="l2-sp",
        title="L2-SP",
        summary="Fine-tuning with a penalty on the distance of the encoder's weights to those of the source model.",
        paper="Li et al. 2018, Explicit inductive bias for transfer learning, arXiv:1802.01483",
        access=LABELS,
        trains_encoder=True,
        on_request=True,
        selections=("target-validation",),
        recipe="full",
        options=(
            *training_options(steps=120, learning_rate=1e-3, weight_decay=0.0),
            Option(
                name="alpha", default=0.1, summary="penalty on the encoder's distance to its start", least=0, tune=10
            ),
            Option(name="beta", default=0.01, summary="penalty on the weights of the head", least=0),
        ),
        adapt=deferred("tlbench_retention.l2_sp", "l2_sp"),
    )


def ewc() -> StrategySpec:
    return StrategySpec(
        name="ewc",
        title="Elastic weight consolidation",
        summary="Fine-tuning that holds each weight of the encoder by its Fisher information on the source.",
        paper="Kirkpatrick et al. 2017, Overcoming catastrophic forgetting in neural networks, arXiv:1612.00796",
        access=LABELS_AND_SOURCE,
        trains_encoder=True,
        on_request=True,
        selections=("target-validation",),
        recipe="full",
        needs=("class-probabilities", "source-class-probabilities"),
        options=(
            *training_options(steps=120, learning_rate=1e-3),
            Option(name="strength", default=400.0, summary="weight of the penalty (lambda)", least=0, tune=10),
            Option(
                name="examples",
                default=500,
                summary="source examples from which the Fisher information is estimated",
                unit="examples",
                least=1,
            ),
        ),
        adapt=deferred("tlbench_retention.ewc", "ewc"),
    )


def lwf() -> StrategySpec:
    return StrategySpec(
        name="lwf",
        title="Learning without Forgetting",
        summary="Fine-tuning that keeps what the source head answers to target inputs, by distillation.",
        paper="Li & Hoiem 2016, Learning without forgetting, arXiv:1606.09282",
        access=LABELS,
        trains_encoder=True,
        on_request=True,
        selections=("target-validation",),
        recipe="full",
        settings=("transductive", "inductive"),
        needs=("class-probabilities", "source-class-probabilities"),
        options=(
            *training_options(steps=120, learning_rate=1e-3),
            Option(name="weight", default=1.0, summary="weight of the distillation (lambda_o)", least=0, tune=10),
            Option(name="temperature", default=2.0, summary="softness of the answers that are compared (T)", least=0.1),
        ),
        adapt=deferred("tlbench_retention.lwf", "lwf"),
    )


def replay() -> StrategySpec:
    return StrategySpec(
        name="replay",
        title="Experience replay",
        summary="Fine-tuning in which each batch is joined by examples of a small memory of the source.",
        paper="Chaudhry et al. 2019, On tiny episodic memories in continual learning, arXiv:1902.10486",
        access=LABELS_AND_SOURCE,
        trains_encoder=True,
        on_request=True,
        selections=("target-validation",),
        recipe="full",
        options=(
            *training_options(steps=120, learning_rate=1e-3),
            Option(name="memory", default=100, summary="source examples that are kept", unit="examples", least=1),
        ),
        adapt=deferred("tlbench_retention.replay", "replay"),
    )


def wise_ft() -> StrategySpec:
    return StrategySpec(
        name="wise-ft",
        title="WiSE-FT",
        summary="The weights between those of the source model and those of the fine-tuned model.",
        paper="Wortsman et al. 2022, Robust fine-tuning of zero-shot models, arXiv:2109.01903",
        access=LABELS,
        trains_encoder=True,
        on_request=True,
        recipe="full",
        options=(
            *training_options(steps=120, learning_rate=1e-3),
            Option(
                name="alpha",
                default=0.5,
                summary="0: the source model; 1: the fine-tuned model",
                least=0,
                most=1,
                tune=2,
            ),
        ),
        adapt=deferred("tlbench_retention.wise_ft", "wise_ft"),
    )


def sam() -> StrategySpec:
    return StrategySpec(
        name="sam",
        title="Sharpness-aware minimisation",
        summary="Fine-tuning by the gradient at the worst weights near the present ones; a step takes two passes.",
        paper="Foret et al. 2021, Sharpness-aware minimization for efficiently improving generalization, "
        "arXiv:2010.01412",
        access=LABELS,
        trains_encoder=True,
        on_request=True,
        selections=("target-validation",),
        recipe="full",
        options=(
            *training_options(steps=120, learning_rate=1e-3),
            Option(
                name="rho", default=0.05, summary="distance of the worst weights that is looked at", least=0, tune=4
            ),
        ),
        adapt=deferred("tlbench_retention.sam", "sam"),
    )
