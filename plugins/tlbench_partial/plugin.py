"""What the plugin of partial fine-tuning offers."""

from __future__ import annotations

from typing import Any

from tlbench import Access, Option, StrategySpec, deferred, hookimpl, training_options

TLBENCH_API = 2
ULMFIT = "Howard & Ruder 2018, Universal language model fine-tuning for text classification, arXiv:1801.06146"
BLOCKS = Option(name="blocks", default=1, summary="last blocks that are trained", unit="blocks", least=0, tune=4)
UNFREEZING = Option(
    name="unfreezing",
    default=0.5,
    summary="part of the steps, 0 to 1, in which some blocks are still frozen",
    least=0,
    most=1,
)
DECAY = Option(
    name="decay",
    default=1 / 2.6,
    summary="learning rate of a block as a multiple of that of the block behind it",
    least=0,
)
RATE_FACTOR = Option(
    name="rate_factor", default=10.0, summary="learning rate as a multiple of that of full fine-tuning", least=0
)


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [*of_blocks(), *of_vectors()]


def of_blocks() -> list[StrategySpec]:
    return [
        _like_finetune(
            name="lp-ft",
            title="Linear probing, then fine-tuning",
            summary="Fits the head to frozen features, then trains all weights from there.",
            paper="Kumar et al. 2022, Fine-tuning can distort pretrained features and underperform "
            "out-of-distribution, arXiv:2202.10054",
            selection="target-folds",
            needs=("probe",),
            adapt=deferred("tlbench_partial.strategies", "lp_ft"),
        ),
        _like_finetune(
            BLOCKS,
            name="partial",
            title="Partial fine-tuning",
            summary="Trains the last blocks of the encoder and the head; all other blocks are frozen.",
            paper="He et al. 2022, Masked autoencoders are scalable vision learners (section 4.3), arXiv:2111.06377; "
            "Yosinski et al. 2014, arXiv:1411.1792",
            adapt=deferred("tlbench_partial.strategies", "partial"),
        ),
        _like_finetune(
            UNFREEZING,
            name="gradual",
            title="Gradual unfreezing",
            summary="Trains the head first, then one more block at a time from the last to the first, then all.",
            paper=ULMFIT,
            adapt=deferred("tlbench_partial.strategies", "gradual"),
        ),
        _like_finetune(
            DECAY,
            name="discriminative",
            title="Discriminative learning rates",
            summary="Fine-tuning in which each block learns more slowly than the one behind it.",
            paper=ULMFIT,
            adapt=deferred("tlbench_partial.strategies", "discriminative"),
        ),
    ]


def of_vectors() -> list[StrategySpec]:
    return [
        _like_finetune(
            RATE_FACTOR,
            name="bitfit",
            title="BitFit",
            summary="Trains the biases of the encoder and the head; weights and statistics do not change.",
            paper="Ben Zaken et al. 2022, BitFit: simple parameter-efficient fine-tuning, arXiv:2106.10199",
            adapt=deferred("tlbench_partial.strategies", "bitfit"),
        ),
        _like_finetune(
            RATE_FACTOR,
            name="norm-only",
            title="Normalisation layers only",
            summary="Trains the encoder's normalisation layers and the head; all other weights do not change.",
            paper="Frankle et al. 2021, Training BatchNorm and only BatchNorm, arXiv:2003.00152; "
            "Lu et al. 2022, Pretrained transformers as universal computation engines, arXiv:2103.05247",
            adapt=deferred("tlbench_partial.strategies", "norm_only"),
        ),
    ]


def _like_finetune(*options: Option, **fields: Any) -> StrategySpec:
    """Return a strategy with the data, the steps and the rates of `finetune`."""
    return StrategySpec(
        access=frozenset({Access.TARGET_LABELS}),
        trains_encoder=True,
        on_request=True,
        recipe="full",
        options=(*training_options(steps=120, learning_rate=1e-3), *options),
        **fields,
    )
