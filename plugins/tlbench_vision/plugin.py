"""What the vision plugin offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tlbench import (
    CLASSIFICATION,
    BackboneFamily,
    BackboneSpec,
    DomainSpec,
    LoadRequest,
    Option,
    OptionValue,
    TaskSpec,
    deferred,
    hookimpl,
)
from tlbench_vision.families import families
from tlbench_vision.own import own_images
from tlbench_vision.segmentation import segmentation_backbones, segmentation_tasks

TLBENCH_API = 2

ORIGINS = Path(__file__).parent / "origins"


def mnist_optdigits_files(request: LoadRequest) -> Sequence[Path]:
    """Return MNIST images and labels, then optdigits training, validation and test."""
    return [
        *request.files("source", "digits", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        *request.files("target", "digits", "optdigits.tra", "optdigits.hol", "optdigits.tes"),
    ]


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [DomainSpec(name="vision", title="Vision", summary="Photographs, digits and letters.")]


def _digits() -> TaskSpec:
    return TaskSpec(
        name="vision/digits",
        title="Printed to handwritten digits",
        summary="Digits from fonts (generated) to real handwriting (from scikit-learn), 8 x 8 pixels.",
        source="2,000 training and 600 test images of 0-9 in 15 fonts of matplotlib, distorted and shifted.",
        target="scikit-learn's 1,797 real handwritten digits: 1,000 for training, 797 for testing.",
        shift="Print to handwriting: stroke, thickness and shape; the labels stay the same.",
        mirrors="synthetic to real digits, as SYN -> MNIST (Ganin & Lempitsky 2015)",
        modality="image",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="image/resnet-small",
        label_budget=50,
        augment=("affine", "noise"),
        licence="fonts: DejaVu, STIX and Computer Modern licences; optdigits: CC BY 4.0",
        requires=("matplotlib", "PIL", "sklearn"),
        extra="vision",
        load=deferred("tlbench_vision.tasks.digits", "load"),
    )


def _mnist_optdigits() -> TaskSpec:
    return TaskSpec(
        name="vision/mnist-optdigits",
        title="MNIST to optdigits",
        summary="Handwritten digits of two collections, 8 x 8 pixels; real data.",
        source="The 10,000 test images of MNIST: the first 8,000 for training, the last 2,000 for testing.",
        target="UCI optdigits: 3,823 images for training, the published 1,797 for testing.",
        shift="Other writers, scanner, resolution and cropping; the labels stay the same.",
        mirrors="MNIST -> USPS (Hoffman et al. 2018)",
        modality="image",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="image/resnet-small",
        label_budget=50,
        augment=("affine", "noise"),
        licence="MNIST: CC BY-SA 3.0; optdigits: CC BY 4.0",
        data_from="data-root",
        origins=(ORIGINS / "mnist.toml", ORIGINS / "optdigits.toml"),
        requires=("PIL",),
        extra="vision",
        options=(
            Option(name="source", default="", summary="folder with the two MNIST files (default: TLBENCH_DATA/digits)"),
            Option(name="target", default="", summary="folder with the optdigits files (default: TLBENCH_DATA/digits)"),
        ),
        files=mnist_optdigits_files,
        load=deferred("tlbench_vision.tasks.mnist_optdigits", "load"),
    )


def _capitals_digits() -> TaskSpec:
    return TaskSpec(
        name="vision/capitals-digits",
        title="Printed capitals to handwritten digits",
        summary="Letters from fonts (generated) to real handwritten digits (from scikit-learn), 8 x 8 pixels.",
        source="2,600 training and 780 test images of A-Z in 15 fonts of matplotlib, distorted and shifted.",
        target="scikit-learn's 1,797 real handwritten digits: 1,000 for training, 797 for testing.",
        shift="Print to handwriting, and other labels: 26 letters to 10 digits.",
        setting="inductive",
        mirrors="letters to digits, as EMNIST letters -> MNIST (Cohen et al. 2017)",
        modality="image",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="image/resnet-small",
        label_budget=50,
        augment=("affine", "noise"),
        licence="fonts: DejaVu, STIX and Computer Modern licences; optdigits: CC BY 4.0",
        requires=("matplotlib", "PIL", "sklearn"),
        extra="vision",
        load=deferred("tlbench_vision.tasks.digits", "load_capitals"),
    )


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return [_digits(), _mnist_optdigits(), _capitals_digits(), own_images(), *segmentation_tasks()]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    small: dict[str, OptionValue] = {
        "source.steps": 900,
        "source.learning_rate": 3e-3,
        "full.steps": 120,
        "full.learning_rate": 2e-3,
        "adversarial.steps": 250,
        "adversarial.learning_rate": 1e-3,
        "adversarial.conditional": True,
    }
    strided: dict[str, OptionValue] = {
        "source.steps": 600,
        "source.learning_rate": 4e-3,
        "full.steps": 120,
        "full.learning_rate": 1e-3,
        "adversarial.steps": 200,
        "adversarial.learning_rate": 3e-3,
    }
    return [
        _resnet("image/resnet-small", "Small ResNet", "a 3 x 3 stem, for images of 8 to 64 pixels", small, 1),
        _resnet(
            "image/resnet-strided",
            "Small ResNet, strided stem",
            "a 3 x 3 stem of stride 2, for images of 16 to 128 pixels",
            strided,
            stem_stride=2,
        ),
        *segmentation_backbones(),
    ]


@hookimpl
def tlbench_backbone_families() -> list[BackboneFamily]:
    return families()


def _resnet(name: str, title: str, stem: str, recipe: Mapping[str, OptionValue], stem_stride: int) -> BackboneSpec:
    return BackboneSpec(
        name=name,
        modality="image",
        title=title,
        summary=f"Three residual blocks of timm behind {stem}.",
        traits=("batchnorm",),
        recipe=recipe,
        options=(
            Option(name="width", default=8, summary="channels of the stem; the blocks have 1, 2 and 4 times as many"),
            Option(name="stem_stride", default=stem_stride, summary="stride of the stem", unit="pixels"),
        ),
        requires=("timm",),
        extra="vision",
        fit=deferred("tlbench_vision.backbones.resnet", "fit"),
        prepare=deferred("tlbench_vision.backbones.resnet", "prepare"),
        preprocess=deferred("tlbench_vision.preprocess"),
        build=deferred("tlbench_vision.backbones.resnet", "build"),
        augment=deferred("tlbench.learning", "vary_images"),
        augments_on_device=True,
    )
