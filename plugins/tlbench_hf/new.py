"""BERT and GPT-2 of any size with new weights, over byte pairs learnt from the source's training text."""

from __future__ import annotations

from tlbench import BackboneSpec, Option
from tlbench_hf import calls

RECIPE = {
    "batch_size": 32,
    "source.steps": 600,
    "source.learning_rate": 2e-3,
    "finetune.steps": 150,
    "finetune.learning_rate": 1e-3,
    "scratch.steps": 300,
    "scratch.learning_rate": 1e-3,
    "oracle.steps": 600,
    "oracle.learning_rate": 1e-3,
    "adversarial.steps": 150,
    "adversarial.learning_rate": 1e-3,
}
SIZE = (
    Option(name="vocabulary", default=3000, summary="byte pairs to learn", unit="pieces"),
    Option(name="max_length", default=160, summary="longest input; more is cut", unit="pieces"),
    Option(name="hidden", default=64, summary="size of a feature"),
    Option(name="layers", default=2, summary="transformer layers"),
    Option(name="heads", default=4, summary="heads of attention"),
    Option(name="dropout", default=0.1, summary="dropout in training"),
)


def new_backbones() -> list[BackboneSpec]:
    """Return the two of them."""
    return [
        BackboneSpec(
            name="text/bert",
            modality="text",
            title="BERT of any size",
            summary="transformers' BertModel (Devlin et al. 2019) with new weights; masked words can pre-train it.",
            layouts=("pooled", "sequence", "masked-token"),
            recipe=RECIPE,
            options=(*SIZE, pooling("mean")),
            requires=("transformers", "tokenizers"),
            extra="nlp",
            fit=calls.fit_bert,
            prepare=calls.prepare,
            build=calls.build,
            remask=calls.remask,
            save=calls.save,
        ),
        BackboneSpec(
            name="text/gpt2",
            modality="text",
            title="GPT-2 of any size",
            summary="transformers' GPT2Model (Radford et al. 2019) with new weights; the next word can pre-train it.",
            layouts=("pooled", "sequence", "next-token"),
            recipe=RECIPE,
            options=(*SIZE, pooling("last")),
            requires=("transformers", "tokenizers"),
            extra="nlp",
            fit=calls.fit_gpt2,
            prepare=calls.prepare,
            build=calls.build,
            save=calls.save,
        ),
    ]


def pooling(default: str) -> Option:
    """Return the option on how the features of a text's tokens become one."""
    return Option(name="pooling", default=default, summary="feature of a text: `mean` over tokens, `cls` or `last`")
