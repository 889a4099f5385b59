"""What the anomaly plugin offers."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from tlbench import (
    ANOMALY,
    BackboneSpec,
    BuildRequest,
    DomainSpec,
    FitRequest,
    LoadRequest,
    Option,
    PrepareRequest,
    TaskData,
    TaskSpec,
    hookimpl,
)

if TYPE_CHECKING:
    from tlbench.data import Columns
    from tlbench.model import Encoder


def _load_flows(request: LoadRequest) -> TaskData:
    from tlbench_anomaly.tasks.flows import load

    return load(request)


def _fit_mlp(request: FitRequest) -> dict[str, Any]:
    from tlbench_anomaly.backbones.mlp import fit

    return fit(request)


def _preprocess() -> ModuleType:
    from tlbench_anomaly import preprocess

    return preprocess


def _prepare_rows(request: PrepareRequest) -> Columns:
    from tlbench_anomaly.backbones.mlp import prepare

    return prepare(request)


def _build_mlp(request: BuildRequest) -> Encoder:
    from tlbench_anomaly.backbones.mlp import build

    return build(request)


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [DomainSpec(name="anomaly", title="Anomaly detection", summary="Rare events among many normal ones.")]


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return [
        TaskSpec(
            name="anomaly/flows",
            title="Attacks in network flows, office to data centre",
            summary="Five kinds of attack among flow records of 20 features; all flows are generated from profiles.",
            source="An office network, 10 % attacks: 4,000 flows for training, 3,000 for the test.",
            target="A data centre with sampled export, 5 % attacks: 4,000 flows for training, 4,000 for the test.",
            shift="Other services, longer delays, one packet in five counted, busier hosts, more noise, fewer attacks.",
            mirrors="UNSW-NB15 -> CIC-IDS2017, a detector of one network on another's flows",
            modality="tabular",
            kind=ANOMALY,
            metric="average-precision",
            backbone="tabular/mlp",
            label_budget=200,
            licence="generated",
            load=_load_flows,
        )
    ]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    return [
        BackboneSpec(
            name="tabular/mlp",
            modality="tabular",
            title="Small MLP",
            summary="Three layers, the first two with BatchNorm, over rows of any width.",
            traits=("batchnorm",),
            recipe={
                "batch_size": 128,
                "source.steps": 500,
                "source.learning_rate": 3e-3,
                "finetune.steps": 200,
                "finetune.learning_rate": 1e-3,
                "adversarial.steps": 500,
                "adversarial.learning_rate": 2e-3,
                "adversarial.weight": 0.5,
            },
            options=(
                Option(name="width", default=64, summary="units of the first two layers; the third has half as many"),
            ),
            fit=_fit_mlp,
            prepare=_prepare_rows,
            preprocess=_preprocess,
            build=_build_mlp,
        )
    ]
