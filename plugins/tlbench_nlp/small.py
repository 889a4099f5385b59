"""The small BERTs and GPT-2s."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlbench import BackboneSpec, Option, deferred


def small_berts() -> list[BackboneSpec]:
    """Return the two sizes."""
    small = {
        "batch_size": 32,
        "source.steps": 600,
        "full.steps": 150,
        "all-labels.steps": 600,
    }
    tiny = {"batch_size": 48, "source.steps": 120, "full.steps": 60, "adversarial.conditional": True}
    return [
        _bert("text/bert-small", "Small BERT", small, hidden=64, dropout=0.1),
        _bert("text/bert-tiny", "Tiny BERT", tiny, hidden=32, dropout=0.0),
    ]


def _bert(name: str, title: str, recipe: Mapping[str, Any], hidden: int, dropout: float) -> BackboneSpec:
    return BackboneSpec(
        name=name,
        modality="text",
        title=title,
        summary="A small BertModel of transformers, with byte pairs learnt from the source training text.",
        layouts=("pooled", "sequence", "context"),
        recipe={
            "source.learning_rate": 2e-3,
            "full.learning_rate": 1e-3,
            "scratch.learning_rate": 1e-3,
            "all-labels.learning_rate": 1e-3,
            "adversarial.steps": 150,
            "adversarial.learning_rate": 1e-3,
            **recipe,
        },
        options=(
            Option(name="vocabulary", default=3000, summary="byte pairs to learn", unit="pieces"),
            Option(name="max_length", default=160, summary="maximum length; longer inputs are cut", unit="pieces"),
            Option(name="hidden", default=hidden, summary="number of features"),
            Option(name="layers", default=2, summary="transformer layers"),
            Option(name="dropout", default=dropout, summary="dropout during training"),
        ),
        requires=("transformers", "tokenizers"),
        extra="nlp",
        fit=deferred("tlbench_nlp.backbones.bert", "fit"),
        prepare=deferred("tlbench_nlp.backbones.bert", "prepare"),
        preprocess=deferred("tlbench_nlp.preprocess"),
        build=deferred("tlbench_nlp.backbones.bert", "build"),
        augment=deferred("tlbench_nlp.backbones.bert", "augment"),
        save=deferred("tlbench_nlp.backbones.bert", "save"),
        encode_labels=deferred("tlbench_nlp.backbones.bert", "encode_labels"),
    )


def small_gpt2s() -> list[BackboneSpec]:
    """Return the two sizes of the decoder that writes answers."""
    tiny = {"source.steps": 700, "full.steps": 200, "all-labels.steps": 400, "source.learning_rate": 3e-3}
    small = {"source.steps": 600, "full.steps": 150, "all-labels.steps": 600, "source.learning_rate": 2e-3}
    return [
        _gpt2("text/gpt2-tiny", "Tiny GPT-2", tiny, vocabulary=1000, hidden=64, dropout=0.0),
        _gpt2("text/gpt2-small", "Small GPT-2", small, vocabulary=4000, hidden=96, dropout=0.1),
    ]


def _gpt2(
    name: str, title: str, recipe: Mapping[str, Any], vocabulary: int, hidden: int, dropout: float
) -> BackboneSpec:
    return BackboneSpec(
        name=name,
        modality="text",
        title=title,
        summary="A small GPT2Model of transformers, with byte pairs learnt from the source's prompts and answers.",
        layouts=("continuation",),
        recipe={
            "batch_size": 32,
            "full.learning_rate": 1e-3,
            "scratch.learning_rate": 2e-3,
            "all-labels.learning_rate": 2e-3,
            **recipe,
        },
        options=(
            Option(name="vocabulary", default=vocabulary, summary="byte pairs to learn", unit="pieces"),
            Option(
                name="max_length",
                default=160,
                summary="maximum length of prompt and answer, of which 32 are the answer's; longer prompts are cut",
                unit="pieces",
            ),
            Option(name="hidden", default=hidden, summary="number of features"),
            Option(name="layers", default=2, summary="transformer layers"),
            Option(name="dropout", default=dropout, summary="dropout during training"),
        ),
        requires=("transformers", "tokenizers"),
        extra="nlp",
        fit=deferred("tlbench_nlp.backbones.gpt2", "fit"),
        prepare=deferred("tlbench_nlp.backbones.gpt2", "prepare"),
        preprocess=deferred("tlbench_nlp.preprocess"),
        build=deferred("tlbench_nlp.backbones.gpt2", "build"),
    )
