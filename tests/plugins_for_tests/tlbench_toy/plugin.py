"""What the toy plugin offers: the shapes of every shipped task, at a size that costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import (
    CLASSIFICATION,
    TOKEN_CLASSIFICATION,
    AugmentRequest,
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
    import torch

    from tlbench.data import Columns
    from tlbench.model import Encoder


def _load_blobs(request: LoadRequest) -> TaskData:
    from tlbench_toy.tasks import load_blobs

    return load_blobs(request)


def _load_shapes(request: LoadRequest) -> TaskData:
    from tlbench_toy.tasks import load_shapes

    return load_shapes(request)


def _load_names(request: LoadRequest) -> TaskData:
    from tlbench_toy.tasks import load_names

    return load_names(request)


def _table_files(request: LoadRequest) -> Sequence[Path]:
    return request.files("source", "table", "rows.csv")


def _load_table(request: LoadRequest) -> TaskData:
    from tlbench_toy.tasks import load_table

    return load_table(_table_files(request)[0])


def _share_right(request: LoadRequest, predict: Callable[[Sequence[Any]], Any]) -> dict[str, float]:
    from tlbench_toy.tasks import share_right

    return share_right(request, predict)


def _fit_rows(request: FitRequest) -> dict[str, Any]:
    from tlbench_toy.backbones import fit_rows

    return fit_rows(request)


def _prepare_rows(request: PrepareRequest) -> Columns:
    from tlbench_toy.backbones import prepare_rows

    return prepare_rows(request)


def _build_mlp(request: BuildRequest) -> Encoder:
    from tlbench_toy.backbones import Mlp

    return Mlp(request.fitted, int(request.options["hidden"]), batchnorm=False)


def _build_mlp_batchnorm(request: BuildRequest) -> Encoder:
    from tlbench_toy.backbones import Mlp

    return Mlp(request.fitted, int(request.options["hidden"]), batchnorm=True)


def _jitter(request: AugmentRequest) -> tuple[torch.Tensor, ...]:
    from tlbench_toy.backbones import jitter

    return jitter(request)


def _fit_words(request: FitRequest) -> dict[str, Any]:
    from tlbench_toy.backbones import fit_words

    return fit_words(request)


def _prepare_words(request: PrepareRequest) -> Columns:
    from tlbench_toy.backbones import prepare_words

    return prepare_words(request)


def _build_window(request: BuildRequest) -> Encoder:
    from tlbench_toy.backbones import Window

    return Window(len(request.fitted["vocabulary"]))


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [DomainSpec(name="toy", title="Toy", summary="Small generated data for tests.")]


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return [
        TaskSpec(
            name="toy/blobs",
            title="Blobs, moved",
            summary="Three Gaussian blobs in six dimensions.",
            source="240 rows for training, 120 for the test.",
            target="The same blobs, moved and stretched.",
            shift="A shift and a scale of each feature.",
            modality="tabular",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="toy/mlp",
            label_budget=24,
            augment=("jitter",),
            options=(Option(name="noise", default=1.0, summary="standard deviation of a blob"),),
            load=_load_blobs,
            evaluate=_share_right,
        ),
        TaskSpec(
            name="toy/shapes",
            title="Blobs to other blobs",
            summary="Three blobs, then four others.",
            source="240 rows for training, 120 for the test.",
            target="Four blobs of other labels.",
            shift="Other labels.",
            modality="tabular",
            kind=CLASSIFICATION,
            metric="macro-f1",
            backbone="toy/mlp",
            label_budget=24,
            setting="inductive",
            load=_load_shapes,
        ),
        TaskSpec(
            name="toy/names",
            title="Names in short sentences",
            summary="First and family names among other words.",
            source="Sentences of 3 to 8 words.",
            target="Sentences with rarer names.",
            shift="Rarer names.",
            modality="text",
            kind=TOKEN_CLASSIFICATION,
            metric="entity-f1",
            backbone="words/window",
            label_budget=30,
            load=_load_names,
        ),
        TaskSpec(
            name="toy/table",
            title="Rows of a file",
            summary="The user's own table: six features, a label and a side.",
            source="Rows of the side 0.",
            target="Rows of the side 1.",
            shift="Whatever the file holds.",
            modality="tabular",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="toy/mlp",
            label_budget=12,
            data_from="user",
            options=(Option(name="source", default="", summary="folder with rows.csv"),),
            files=_table_files,
            load=_load_table,
        ),
    ]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    hidden = Option(name="hidden", default=16, summary="units of the hidden layer")
    recipe = {"steps": 30, "source.steps": 60, "source.learning_rate": 1e-2, "finetune.steps": 40}
    return [
        BackboneSpec(
            name="toy/mlp",
            modality="tabular",
            title="Perceptron",
            summary="One hidden layer.",
            recipe=recipe,
            options=(hidden,),
            fit=_fit_rows,
            prepare=_prepare_rows,
            build=_build_mlp,
            augment=_jitter,
        ),
        BackboneSpec(
            name="toy/mlp-batchnorm",
            modality="tabular",
            title="Perceptron with BatchNorm",
            summary="One hidden layer, normalised.",
            traits=("batchnorm",),
            recipe=recipe,
            options=(hidden,),
            fit=_fit_rows,
            prepare=_prepare_rows,
            build=_build_mlp_batchnorm,
        ),
        BackboneSpec(
            name="words/window",
            modality="text",
            title="Window of three words",
            summary="Embeddings and one convolution.",
            layouts=("sequence",),
            recipe=recipe,
            fit=_fit_words,
            prepare=_prepare_words,
            build=_build_window,
        ),
    ]
