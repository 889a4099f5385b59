"""Tasks on public data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import ANOMALY, CLASSIFICATION, LoadRequest, TaskSpec, deferred
from tlbench_data.options import places

ORIGINS = Path(__file__).parent / "origins"
SPEAKERS = {"source": ("jackson", "theo"), "target": ("george", "lucas", "nicolas", "yweweler")}
"""Of FSDD, from the US and from elsewhere."""


def fsdd_files(request: LoadRequest, option: str) -> list[Path]:
    """Return the recordings `<digit>_<speaker>_<take>.wav` of a side's speakers."""
    names = [
        f"{digit}_{speaker}_{take}.wav" for speaker in SPEAKERS[option] for digit in range(10) for take in range(20)
    ]
    return request.files(option, "fsdd/recordings", *names)


def _both_fsdd_files(request: LoadRequest) -> Sequence[Path]:
    return [*fsdd_files(request, "source"), *fsdd_files(request, "target")]


def nsl_kdd_files(request: LoadRequest) -> Sequence[Path]:
    """Return KDDTrain+_20Percent, then KDDTest+."""
    return [
        *request.files("source", "nsl_kdd", "KDDTrain+_20Percent.txt"),
        *request.files("target", "nsl_kdd", "KDDTest+.txt"),
    ]


def _gap_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import example_files
    from tlbench_data.tasks.motions import gap_files

    return example_files(*gap_files(request))


def _wbc_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import example_files
    from tlbench_data.tasks.wbc import labels_of, sides

    found = sides(request)
    tables = [labels_of(side.train.where) for side in found]
    return [*(table for table in tables if table.is_file()), *example_files(*found)]


def _cifar_wbc_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import example_files
    from tlbench_data.tasks.wbc import cifar_sides

    return example_files(*cifar_sides(request))


def _fsdd() -> TaskSpec:
    return TaskSpec(
        name="speech/fsdd",
        title="Spoken digits, US to other accents",
        summary="Ten digits spoken by six men, takes 0 to 19 of the Free Spoken Digit Dataset; real data.",
        source="Two speakers from the US: 300 recordings for training, the published 100 for testing.",
        target="Greek, French and German accents, four speakers: 600 recordings for training, 200 for testing.",
        shift="Other speakers with other accents; the labels stay the same.",
        mirrors="Speech Commands and Common Voice across accents",
        modality="audio",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="audio/logmel-cnn",
        label_budget=40,
        augment=("speed", "noise", "time-mask", "frequency-mask"),
        augment_strength="none",
        licence="CC BY-SA 4.0",
        data_from="data-root",
        origins=(ORIGINS / "fsdd.toml",),
        requires=("soundfile",),
        extra="speech",
        options=places(
            "folder with the US recordings (default: TLBENCH_DATA/fsdd/recordings)",
            "folder with the other recordings (default: TLBENCH_DATA/fsdd/recordings)",
        ),
        files=_both_fsdd_files,
        load=deferred("tlbench_data.tasks.sounds", "load_fsdd"),
    )


def _nsl_kdd() -> TaskSpec:
    return TaskSpec(
        name="anomaly/nsl-kdd",
        title="Network intrusion, NSL-KDD",
        summary="Connections, normal or attack: 38 numbers as log(1 + x), protocol, service and flag one-hot.",
        source="KDDTrain+_20Percent: 25,192 records, a fifth of each kind of attack for testing.",
        target="KDDTest+: 22,544 records, half of each kind of attack for testing; equal records stay together.",
        shift="18 new kinds of attack; the others have different proportions.",
        mirrors="KDDTrain+ -> KDDTest+ (Tavallaee et al. 2009)",
        modality="tabular",
        kind=ANOMALY,
        metric="average-precision",
        backbone="tabular/mlp",
        label_budget=200,
        licence="Canadian Institute for Cybersecurity: redistribution with citation",
        data_from="data-root",
        origins=(ORIGINS / "nsl_kdd.toml",),
        options=places(
            "folder with KDDTrain+_20Percent.txt (default: TLBENCH_DATA/nsl_kdd)",
            "folder with KDDTest+.txt (default: TLBENCH_DATA/nsl_kdd)",
        ),
        files=nsl_kdd_files,
        load=deferred("tlbench_data.tasks.records", "load_nsl_kdd"),
    )


def _reality_gap() -> TaskSpec:
    return TaskSpec(
        name="robotics/reality-gap",
        title="Arm motions, simulators to the real arm",
        summary="Three motions of a Kinova arm, from 1 s of end-effector displacement at 20 Hz.",
        source="13 simulated runs of four engines for training, 6 of two others for testing; without broken runs.",
        target="16 motion-capture recordings of the real arm, half of each motion for testing.",
        shift="Simulated to real dynamics and sensors; the labels stay the same.",
        mirrors="sim-to-real transfer (Collins, Howard & Leitner 2019)",
        modality="series",
        kind=CLASSIFICATION,
        metric="balanced-accuracy",
        backbone="series/cnn",
        label_budget=48,
        augment=("jitter", "scaling", "time-warp"),
        augment_strength="none",
        licence="BSD-3-Clause",
        data_from="data-root",
        origins=(ORIGINS / "robot_reality_gap.toml",),
        options=places(
            "folder with Experiment1 to 3 of the simulators (default: TLBENCH_DATA/robot_reality_gap/Simulation)",
            "folder with Experiment1 to 3 of the arm (default: TLBENCH_DATA/robot_reality_gap/MotionCapture)",
        ),
        files=_gap_files,
        load=deferred("tlbench_data.tasks.motions", "load_gap"),
    )


def _wbc() -> TaskSpec:
    return TaskSpec(
        name="medical/wbc",
        title="White blood cells, laboratory 1 to 2",
        summary="Four kinds of cells in microscope images of two laboratories, 32 x 32 pixels; real data.",
        source="Jiangxi Tecom: 299 cells, a fifth of each kind for testing.",
        target="CellaVision: 97 cells, half of each kind for testing.",
        shift="Other microscope, stain, scale and background; the labels stay the same.",
        mirrors="Camelyon17-WILDS across hospitals (Koh et al. 2021)",
        modality="image",
        kind=CLASSIFICATION,
        metric="balanced-accuracy",
        backbone="image/resnet-small",
        label_budget=24,
        augment=("affine", "noise"),
        licence="GPL-3.0",
        data_from="data-root",
        origins=(ORIGINS / "wbc.toml",),
        requires=("PIL",),
        extra="vision",
        options=places(
            "folder with laboratory 1 (default: TLBENCH_DATA/wbc/Dataset 1, or class folders in wbc/dataset1)",
            "folder with laboratory 2 (default: TLBENCH_DATA/wbc/Dataset 2, or class folders in wbc/dataset2)",
        ),
        files=_wbc_files,
        load=deferred("tlbench_data.tasks.wbc", "load"),
    )


def _cifar10_wbc() -> TaskSpec:
    return TaskSpec(
        name="medical/cifar10-wbc",
        title="Photographs to white blood cells",
        summary="Transfer from CIFAR-10 to four kinds of cells, 32 x 32 pixels; real data.",
        source="CIFAR-10 as JPEG: 60 training and 60 test images of each of its ten classes.",
        target="Jiangxi Tecom's 299 cells of laboratory 1, half of each kind for testing.",
        shift="Photographs to microscope images, and other labels: 10 to 4.",
        setting="inductive",
        mirrors="ImageNet -> medical images (Raghu et al. 2019)",
        modality="image",
        kind=CLASSIFICATION,
        metric="balanced-accuracy",
        backbone="cifar/resnet20",
        label_budget=40,
        augment=("affine", "noise"),
        licence="CIFAR-10: none stated; cells: GPL-3.0",
        data_from="data-root",
        requires=("PIL",),
        extra="vision",
        options=places(
            "folder with train/ and test/ of CIFAR-10 (default: TLBENCH_DATA/cifar10_mini)",
            "folder with laboratory 1 (default: TLBENCH_DATA/wbc)",
        ),
        origins=tuple(ORIGINS / f"{name}.toml" for name in ("cifar10_mini", "resnet20_cifar10", "wbc")),
        files=_cifar_wbc_files,
        load=deferred("tlbench_data.tasks.wbc", "load_cifar"),
    )


def public_tasks() -> list[TaskSpec]:
    """Return the tasks whose files lie under TLBENCH_DATA."""
    return [_fsdd(), _nsl_kdd(), _reality_gap(), _wbc(), _cifar10_wbc()]
