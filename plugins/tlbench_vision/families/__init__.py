"""Families of image backbones that are found by name: the checkpoints of others."""

from __future__ import annotations

from pathlib import Path

from tlbench import BackboneFamily
from tlbench_vision.families.cifar import DEPTHS, find_cifar
from tlbench_vision.families.smp_unets import find_smp
from tlbench_vision.families.timm_models import find_spectrogram, find_timm

ORIGINS = Path(__file__).parent.parent / "origins"


def families() -> list[BackboneFamily]:
    """Return the families."""
    return [
        BackboneFamily(
            name="cifar",
            modality="image",
            title="ResNets for CIFAR",
            summary=f"cifar/resnetN, N one of {', '.join(map(str, DEPTHS))}: for images of 32 x 32 pixels.",
            find=find_cifar,
            requires=("PIL",),
            extra="vision",
        ),
        BackboneFamily(
            name="timm",
            modality="image",
            title="Models of timm",
            summary="timm/NAME for each model of timm, also with a tag (timm/resnet50.a1_in1k); a NAME that "
            "timm does not know is one of `tlbench pretrain -o`, or a folder.",
            find=find_timm,
            origins=tuple(ORIGINS / f"{name}.toml" for name in ("efficientnet_lite0", "mobilenet_v2")),
            requires=("timm",),
            extra="vision",
        ),
        BackboneFamily(
            name="smp",
            modality="image",
            title="U-Nets on models of timm",
            summary="smp/NAME for an architecture of timm with features of five scales, such as smp/resnet18, to label "
            "pixels.",
            find=find_smp,
            requires=("timm", "segmentation_models_pytorch"),
            extra="medical",
        ),
        BackboneFamily(
            name="spectrogram",
            modality="audio",
            title="Models of timm on spectrograms",
            summary="spectrogram/NAME for each NAME or folder of timm/NAME: image models applied to sound.",
            find=find_spectrogram,
            requires=("timm", "torchaudio"),
            extra="all",
        ),
    ]
