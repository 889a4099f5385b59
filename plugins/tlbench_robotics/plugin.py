"""What the robotics plugin offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tlbench import (
    CLASSIFICATION,
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


def _load_joint_load(request: LoadRequest) -> TaskData:
    from tlbench_robotics.tasks.joint_load import load

    return load(request)


def _evaluate_joint_load(request: LoadRequest, predict: Callable[[Sequence[Any]], Any]) -> dict[str, float]:
    from tlbench_robotics.tasks.compensation import evaluate

    return evaluate(request, predict)


def _fit_cnn(request: FitRequest) -> dict[str, Any]:
    from tlbench_robotics.backbones.cnn import fit

    return fit(request)


def _preprocess() -> ModuleType:
    from tlbench_robotics import preprocess

    return preprocess


def _prepare_series(request: PrepareRequest) -> Columns:
    from tlbench_robotics.backbones.cnn import prepare

    return prepare(request)


def _build_cnn(request: BuildRequest) -> Encoder:
    from tlbench_robotics.backbones.cnn import build

    return build(request)


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [DomainSpec(name="robotics", title="Robotics", summary="Arms under control, in simulation and as built.")]


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return [
        TaskSpec(
            name="robotics/joint-load",
            title="Joint load, simulator to perturbed plant",
            summary="What loads a revolute joint, from 1.3 s of tracking; both sides are generated on MuJoCo physics.",
            source="A simulator with nearly clean encoder and motor: 2,000 episodes for training, 600 for the test.",
            target="A perturbed plant, simulated too: 1,200 episodes for training, 600 for the test.",
            shift="Other inertia, weight, friction and motor; delay of 40 ms; encoder bias, noise, play; same labels.",
            mirrors="simulator to real arm, as Collins et al. 2019, arXiv:1811.01484",
            modality="series",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="series/cnn",
            label_budget=48,
            licence="generated; MuJoCo: Apache-2.0",
            requires=("mujoco",),
            extra="robotics",
            load=_load_joint_load,
            evaluate=_evaluate_joint_load,
        )
    ]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    return [
        BackboneSpec(
            name="series/cnn",
            modality="series",
            title="Small 1-D CNN",
            summary="Three convolutions over time, then mean and maximum, for series of any length and width.",
            traits=("batchnorm",),
            recipe={
                "source.steps": 400,
                "source.learning_rate": 4e-3,
                "finetune.steps": 150,
                "finetune.learning_rate": 1e-3,
                "adversarial.steps": 300,
                "adversarial.learning_rate": 3e-3,
            },
            options=(
                Option(name="width", default=16, summary="channels of the first convolution; the others have twice"),
            ),
            fit=_fit_cnn,
            prepare=_prepare_series,
            preprocess=_preprocess,
            build=_build_cnn,
        )
    ]
