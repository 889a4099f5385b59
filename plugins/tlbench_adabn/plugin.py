"""What the AdaBN plugin offers."""

from __future__ import annotations

from tlbench import Access, StrategySpec, deferred, hookimpl

TLBENCH_API = 2


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="adabn",
            title="AdaBN",
            summary="Re-estimates BatchNorm statistics on unlabelled target inputs; weights do not change.",
            paper="Li et al. 2016, Revisiting batch normalization for practical domain adaptation, arXiv:1603.04779",
            access=frozenset({Access.TARGET_INPUTS}),
            trains_encoder=True,
            augments=False,
            settings=("transductive",),
            needs=("batchnorm",),
            adapt=deferred("tlbench_adabn.strategy", "adabn"),
        )
    ]
