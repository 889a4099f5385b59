"""What the plugin of parameter-efficient fine-tuning offers."""

from __future__ import annotations

import dataclasses

from tlbench import Access, Option, StrategySpec, deferred, hookimpl, training_options

TLBENCH_API = 2

LABELS = frozenset({Access.TARGET_LABELS})
RANKS = (
    Option(name="rank", default=4, summary="rank r of an update", least=1, tune=4),
    Option(name="alpha", default=32, summary="an update is multiplied by alpha / r", least=0),
)
"""Both numbers are those of GPT-2 in table 11 of the paper."""
LORA = StrategySpec(
    name="lora",
    title="LoRA",
    summary="Trains low-rank updates of linear layers and convolutions, and the head; merges the updates.",
    paper="Hu et al. 2021, LoRA: low-rank adaptation of large language models, arXiv:2106.09685",
    access=LABELS,
    trains_encoder=True,
    on_request=True,
    recipe="full",
    requires=("peft",),
    extra="peft",
    options=(*training_options(steps=120, learning_rate=1e-3), *RANKS),
    adapt=deferred("tlbench_peft.merged", "lora"),
)


@hookimpl
def tlbench_strategies() -> list[StrategySpec]:
    return [*merged(), *served()]


def merged() -> list[StrategySpec]:
    return [
        LORA,
        dataclasses.replace(
            LORA,
            name="dora",
            title="DoRA",
            summary="LoRA of the direction of each output's weights, whose lengths are trained by themselves.",
            paper="Liu et al. 2024, DoRA: weight-decomposed low-rank adaptation, arXiv:2402.09353",
            adapt=deferred("tlbench_peft.merged", "dora"),
        ),
        StrategySpec(
            name="ia3",
            title="(IA)^3",
            summary="Trains a factor for each channel of linear layers and convolutions, and the head; merges them.",
            paper="Liu et al. 2022, Few-shot parameter-efficient fine-tuning is better and cheaper than in-context "
            "learning, arXiv:2205.05638",
            access=LABELS,
            trains_encoder=True,
            on_request=True,
            needs=("plain-layers",),
            requires=("peft",),
            extra="peft",
            options=training_options(steps=120, learning_rate=3e-3),
            adapt=deferred("tlbench_peft.merged", "ia3"),
        ),
    ]


def served() -> list[StrategySpec]:
    return [
        StrategySpec(
            name="adapters",
            title="Bottleneck adapters",
            summary="Trains a small residual bottleneck in each block, and the head; all other weights stay.",
            paper="Houlsby et al. 2019, Parameter-efficient transfer learning for NLP, arXiv:1902.00751; one for each "
            "block as in Pfeiffer et al. 2021, AdapterFusion, arXiv:2005.00247",
            access=LABELS,
            trains_encoder=True,
            on_request=True,
            options=(
                *training_options(steps=120, learning_rate=3e-3),
                Option(name="width", default=8, summary="units of a bottleneck", least=1, tune=4),
            ),
            extend=deferred("tlbench_peft.adapters", "extend"),
            adapt=deferred("tlbench_peft.adapters", "adapters"),
        ),
        StrategySpec(
            name="prompt",
            title="Prompt tuning",
            summary="Trains vectors that a transformer reads before each text, and the head; all other weights stay.",
            paper="Lester et al. 2021, The power of scale for parameter-efficient prompt tuning, arXiv:2104.08691",
            access=LABELS,
            trains_encoder=True,
            on_request=True,
            modalities=("text",),
            needs=("one-encoder",),
            requires=("transformers",),
            extra="nlp",
            options=(
                *training_options(steps=120, learning_rate=3e-2),
                Option(name="length", default=20, summary="vectors of the prompt", least=1, tune=4),
            ),
            extend=deferred("tlbench_peft.prompts", "extend"),
            adapt=deferred("tlbench_peft.prompts", "prompt"),
        ),
    ]
