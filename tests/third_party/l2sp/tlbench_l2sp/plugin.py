"""What this distribution offers: one strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlbench import Option, Sees, StrategySpec, hookimpl, training_options

if TYPE_CHECKING:
    from tlbench.model import TransferModel
    from tlbench.request import AdaptRequest


def _l2sp(request: AdaptRequest) -> TransferModel:
    from tlbench_l2sp.strategy import l2sp

    return l2sp(request)


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="l2sp",
            title="L2-SP",
            summary="Fine-tuning that is drawn back to the source model's weights.",
            paper="Li et al. 2018, Explicit inductive bias for transfer learning, arXiv:1802.01483",
            sees=frozenset({Sees.TARGET_LABELS}),
            trains_encoder=True,
            options=(
                *training_options(steps=100, learning_rate=1e-3, weight_decay=0.0),
                Option(name="alpha", default=0.1, summary="pull of the encoder to where it started"),
                Option(name="beta", default=0.01, summary="pull of the head to zero"),
            ),
            adapt=_l2sp,
        )
    ]
