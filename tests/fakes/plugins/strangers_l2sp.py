"""A strategy of somebody else: fine-tuning with a penalty, and the same without a kind of training."""

from __future__ import annotations

from typing import Any

from tlbench import Access, StrategySpec, hookimpl, training_options


def _adapt(request: Any) -> Any:
    return request.model


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name=name,
            title="L2-SP",
            summary="Fine-tuning with a penalty on the distance to the source model's weights.",
            paper="Li et al. 2018, arXiv:1802.01483",
            access=frozenset({Access.TARGET_LABELS}),
            trains_encoder=True,
            recipe=recipe,
            options=training_options(steps=120, learning_rate=1e-3),
            adapt=_adapt,
        )
        for name, recipe in (("l2sp", "full"), ("l2sp-alone", ""))
    ]
