"""The references: every (task, backbone) of a plan gets them without being asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlbench import Access, StrategySpec, hookimpl, training_options

if TYPE_CHECKING:
    from tlbench.learning.adapt_request import AdaptRequest
    from tlbench.learning.model import TransferModel


def _majority(request: AdaptRequest) -> TransferModel:
    from tlbench_baselines.strategy import majority

    return majority(request)


def _source_only(request: AdaptRequest) -> TransferModel:
    from tlbench_baselines.strategy import source_only

    return source_only(request)


def _scratch(request: AdaptRequest) -> TransferModel:
    from tlbench_baselines.strategy import scratch

    return scratch(request)


def _oracle(request: AdaptRequest) -> TransferModel:
    from tlbench_baselines.strategy import oracle

    return oracle(request)


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
            adapt=_majority,
        ),
        StrategySpec(
            name="source-only",
            title="Source only",
            summary="The source model as it is, on the target: what adaptation has to beat.",
            access=frozenset(),
            trains_encoder=False,
            baseline=True,
            settings=("transductive",),
            adapt=_source_only,
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
            adapt=_scratch,
        ),
        StrategySpec(
            name="all-labels",
            title="Target oracle",
            summary="The source model fine-tuned on all target training labels: what more labels would give.",
            access=frozenset({Access.TARGET_ALL_LABELS}),
            trains_encoder=True,
            baseline=True,
            options=training_options(steps=300, learning_rate=2e-3),
            adapt=_oracle,
        ),
    ]
