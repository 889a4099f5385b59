"""What the plugin of transformers' models offers."""

from __future__ import annotations

from pathlib import Path

from tlbench import BackboneFamily, BackboneSpec, hookimpl
from tlbench_hf.find import find
from tlbench_hf.new import new_backbones

TLBENCH_API = 2
ORIGINS = Path(__file__).parent / "origins"


@hookimpl
def tlbench_backbone_families() -> list[BackboneFamily]:
    return [
        BackboneFamily(
            name="hf",
            modality="text, audio, image",
            title="Encoders and decoders of transformers",
            summary="A name on the hub or of `tlbench pretrain -o`, or a folder; with the checkpoint's tokenizer.",
            requires=("transformers", "tokenizers"),
            extra="nlp",
            find=find,
            origins=tuple(sorted(ORIGINS.glob("*.toml"))),
        )
    ]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    return new_backbones()
