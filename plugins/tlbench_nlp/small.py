"""The small BERTs."""

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
