"""The references: every (task, backbone) of a plan gets them without being asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlbench import Sees, StrategySpec, hookimpl, training_options

if TYPE_CHECKING:
    from tlbench.model import TransferModel
    from tlbench.request import AdaptRequest


def _majority(request: AdaptRequest) -> TransferModel:
    from tlbench_references.strategy import majority

    return majority(request)


def _source_only(request: AdaptRequest) -> TransferModel:
    from tlbench_references.strategy import source_only

    return source_only(request)


def _scratch(request: AdaptRequest) -> TransferModel:
    from tlbench_references.strategy import scratch

    return scratch(request)


def _oracle(request: AdaptRequest) -> TransferModel:
    from tlbench_references.strategy import oracle

    return oracle(request)


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="majority",
            title="Majority",
            summary="The label budget's label frequencies for every input: what knowing nothing of the input gives.",
            sees=frozenset({Sees.TARGET_LABELS}),
            trains_encoder=False,
            reference=True,
            from_source=False,
            adapt=_majority,
        ),
        StrategySpec(
            name="source-only",
            title="Source only",
            summary="The source model as it is, on the target: what adaptation has to beat.",
            sees=frozenset(),
            trains_encoder=False,
            reference=True,
            settings=("transductive",),
            adapt=_source_only,
        ),
        StrategySpec(
            name="scratch",
            title="From scratch",
            summary="New weights, trained on the label budget alone: what transfer has to beat.",
            sees=frozenset({Sees.TARGET_LABELS}),
            trains_encoder=True,
            reference=True,
            from_source=False,
            options=training_options(steps=250, learning_rate=2e-3),
            adapt=_scratch,
        ),
        StrategySpec(
            name="oracle",
            title="Target oracle",
            summary="The source model fine-tuned on all target training labels: what more labels would give.",
            sees=frozenset({Sees.TARGET_ALL_LABELS}),
            trains_encoder=True,
            reference=True,
            options=training_options(steps=300, learning_rate=2e-3),
            adapt=_oracle,
        ),
    ]
