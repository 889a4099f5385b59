"""Tasks on real data whose tables name every example: vessels of the eye, and flows of networks.

`tlbench fetch` cannot download them. Each licence says where the data comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import ANOMALY, AUGMENT_OPTION, SEGMENTATION, LoadRequest, Option, TaskSpec, UsageError, deferred
from tlbench_data.options import places

FUNDUS = (
    "HRF: CC BY 4.0; its artery and vein labels: no terms beyond GPL-3.0 of github.com/rmaphoh/Learning-AVSegmentation"
    "; CHASE_DB1: CC BY 4.0 as others state it, no licence at github.com/mipple1986/data; cite the papers of both"
)
ZEEK = (
    "home devices: IoT-23, known as CC BY 4.0, cite doi 10.5281/zenodo.4743746 (github.com/aucad/sensor-data); "
    "computers: GPL-2.0 (github.com/stratosphereips/security-datasets-for-testing)"
)
TILE = 192
"""Width and height of the files of tiles in pixels."""
VICTIMS = {"computers": "pc_target.csv", "home": "iot_target.csv"}
"""The tables of flows that may be the target."""


def _vessel_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import integer_option
    from tlbench_data.tasks.vessels import vessel_sides

    integer_option(request, "size", least=32)
    sides = vessel_sides(request)
    pairs = [pair for side in sides for half in (side.train, side.test) for pair in half.inputs]
    tables = dict.fromkeys(side.train.where for side in sides)
    return [*tables, *(path for pair in pairs for path in pair)]


def flow_files(request: LoadRequest) -> Sequence[Path]:
    """Return the table of the source, then that of the target. Raises `UsageError` for another target."""
    if (target := str(request.options["devices"])) not in VICTIMS:
        raise UsageError(f'Invalid task.devices="{target}": use one of {", ".join(VICTIMS)}.')
    return [
        *request.files("source", "zeek_flows", "iot_source.csv"),
        *request.files("target", "zeek_flows", VICTIMS[target]),
    ]


def _vessels() -> TaskSpec:
    return TaskSpec(
        name="medical/retina-vessels",
        title="Vessels of the retina, table to hand-held camera",
        summary="Blood vessels in tiles of eye photographs, whole patients in each split; real data.",
        source="HRF: 45 adults by a table camera, two tiles each: 48 tiles for training, 42 for testing.",
        target="CHASE_DB1: 14 children, three tiles of each eye: 8 children for training, 6 (36 tiles) for testing.",
        shift="Other camera, light, age and field of view, wider vessels, annotators who leave out the thinnest.",
        mirrors="cross-dataset vessel segmentation (Laibacher et al. 2019, M2U-Net)",
        modality="image",
        kind=SEGMENTATION,
        metric="dice",
        backbone="image/unet-small",
        label_budget=12,
        augment=("rot90", "flip", "light"),
        licence=FUNDUS,
        data_from="data-root",
        requires=("PIL",),
        extra="vision",
        options=(
            *places(
                "folder with index.csv, hrf/images and hrf/masks (default: TLBENCH_DATA/retina_vessels)",
                "folder with index.csv, chase/images and chase/masks (default: TLBENCH_DATA/retina_vessels)",
            ),
            Option(
                name="size",
                default=TILE // 2,
                summary=f"width and height that tiles are scaled to; {TILE} keeps those of the files, whose pixels "
                "hausdorff-95 counts",
                unit="px",
            ),
            AUGMENT_OPTION,
        ),
        files=_vessel_files,
        load=deferred("tlbench_data.tasks.vessels", "load"),
    )


def _zeek_flows() -> TaskSpec:
    return TaskSpec(
        name="anomaly/zeek-flows",
        title="Attacks in network flows, home devices to computers",
        summary="Benign or malicious flows of Zeek: 8 numbers and counts of events as log(1 + x), 3 texts one-hot.",
        source="Five home devices, three of them infected: 5,657 flows for training, 2,425 for testing.",
        target="Four office computers, attacked from the internet: 7,410 flows for training, 3,175 for testing.",
        shift="Other devices, services and attacks; 17 % of the flows are malicious in place of 48 %.",
        mirrors="intrusion detection across networks (IoT-23, Garcia et al. 2020)",
        modality="tabular",
        kind=ANOMALY,
        metric="average-precision",
        backbone="tabular/mlp",
        label_budget=200,
        licence=ZEEK,
        data_from="data-root",
        options=(
            *places(
                "folder with iot_source.csv (default: TLBENCH_DATA/zeek_flows)",
                "folder with pc_target.csv and iot_target.csv (default: TLBENCH_DATA/zeek_flows)",
            ),
            Option(
                name="devices",
                default="computers",
                summary="whose flows are the target: computers, or home (other home devices, a smaller shift)",
            ),
        ),
        files=flow_files,
        load=deferred("tlbench_data.tasks.flows", "load"),
    )


def listed_tasks() -> list[TaskSpec]:
    """Return the tasks whose tables name every example."""
    return [_vessels(), _zeek_flows()]
