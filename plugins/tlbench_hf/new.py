"""BERT, GPT-2 and wav2vec 2.0 of any size with new weights.

Those of text are over byte pairs learnt from the source's training text.
"""

from __future__ import annotations

from functools import partial

from tlbench import BackboneSpec, Option, deferred

RECIPE = {
    "batch_size": 32,
    "source.steps": 600,
    "source.learning_rate": 2e-3,
    "full.steps": 150,
    "full.learning_rate": 1e-3,
    "scratch.learning_rate": 1e-3,
    "all-labels.steps": 600,
    "all-labels.learning_rate": 1e-3,
    "adversarial.steps": 150,
    "adversarial.learning_rate": 1e-3,
}
SPEECH = {
    "batch_size": 32,
    "source.steps": 300,
    "source.learning_rate": 1e-3,
    "all-labels.steps": 300,
}
SIZE = (
    Option(name="hidden", default=64, summary="number of features"),
    Option(name="layers", default=2, summary="transformer layers"),
    Option(name="heads", default=4, summary="attention heads"),
    Option(name="dropout", default=0.1, summary="dropout during training"),
)
TEXT = (
    Option(name="vocabulary", default=3000, summary="byte pairs to learn", unit="pieces"),
    Option(name="max_length", default=160, summary="maximum length; longer inputs are cut", unit="pieces"),
    *SIZE,
)
SOUND = (
    Option(name="channels", default=32, summary="channels of the convolutions on the waveform"),
    *SIZE,
    Option(name="max_seconds", default=2.0, summary="maximum length; longer inputs are cut on both sides", unit="s"),
)


def new_backbones() -> list[BackboneSpec]:
    """Return the three of them."""
    return [*_of_texts(), _of_sound()]


def _of_texts() -> list[BackboneSpec]:
    return [
        BackboneSpec(
            name="text/bert",
            modality="text",
            title="BERT of any size",
            summary="transformers' BertModel (Devlin et al. 2019) with random weights; learns masked words.",
            layouts=("pooled", "sequence", "context", "masked-token"),
            traits=("masked-tokens",),
            recipe=RECIPE,
            options=(*TEXT, pooling("mean")),
            requires=("transformers", "tokenizers"),
            extra="nlp",
            fit=partial(deferred("tlbench_hf.pieces", "fit_new"), model_type="bert"),
            prepare=deferred("tlbench_hf.tokens", "prepare"),
            preprocess=deferred("tlbench_hf.encoding"),
            build=deferred("tlbench_hf.text", "build"),
            remask=deferred("tlbench_hf.masks", "remask"),
            augment=deferred("tlbench_hf.masks", "augment"),
            save=deferred("tlbench_hf.text", "save"),
            encode_labels=deferred("tlbench_hf.text", "encode_labels"),
        ),
        BackboneSpec(
            name="text/gpt2",
            modality="text",
            title="GPT-2 of any size",
            summary="transformers' GPT2Model (Radford et al. 2019) with random weights; learns the next word.",
            layouts=("pooled", "sequence", "context", "continuation", "next-token"),
            recipe=RECIPE,
            options=(*TEXT, pooling("last")),
            requires=("transformers", "tokenizers"),
            extra="nlp",
            fit=partial(deferred("tlbench_hf.pieces", "fit_new"), model_type="gpt2"),
            prepare=deferred("tlbench_hf.tokens", "prepare"),
            preprocess=deferred("tlbench_hf.encoding"),
            build=deferred("tlbench_hf.text", "build"),
            save=deferred("tlbench_hf.text", "save"),
            encode_labels=deferred("tlbench_hf.text", "encode_labels"),
        ),
    ]


def _of_sound() -> BackboneSpec:
    return BackboneSpec(
        name="audio/wav2vec2",
        modality="audio",
        title="wav2vec 2.0 of any size",
        summary="transformers' Wav2Vec2Model (Baevski et al. 2020) with random weights; waveforms at 16 kHz.",
        layouts=("pooled", "sequence"),
        recipe=SPEECH,
        options=SOUND,
        requires=("transformers", "torchaudio"),
        extra="speech",
        fit=deferred("tlbench_hf.audio", "fit_new"),
        prepare=deferred("tlbench_hf.audio", "prepare"),
        preprocess=deferred("tlbench_hf.waveform"),
        build=deferred("tlbench_hf.audio", "build"),
        save=deferred("tlbench_hf.audio", "save"),
        augment=deferred("tlbench_hf.audio", "augment"),
    )


def pooling(default: str) -> Option:
    """Return the option on how the features of a text's tokens become one."""
    return Option(name="pooling", default=default, summary="features of a text: `mean` over tokens, `cls` or `last`")
