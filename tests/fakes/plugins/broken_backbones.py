"""Backbones that break what a backbone must keep; each in a way of its own."""

from __future__ import annotations

import dataclasses
from typing import Any

from tlbench import (
    AugmentRequest,
    BackboneSpec,
    BuildRequest,
    Checkpoint,
    FitRequest,
    LabelsRequest,
    Option,
    PrepareRequest,
    hookimpl,
)
from tlbench.testing.toy import plugin

SPECS = {spec.name: spec for spec in plugin.tlbench_backbones()}
MLP, WINDOW = SPECS["toy/mlp"], SPECS["words/window"]


def _fits_an_array(request: FitRequest) -> dict[str, Any]:
    return {**MLP.fit(request), "first": request.inputs[0]}


def _prepares_by_batch(request: PrepareRequest) -> Any:
    (rows,) = MLP.prepare(request)
    return (rows - rows.mean(0),)


def _prepares_wide(request: PrepareRequest) -> Any:
    return tuple(rows.astype("float64") for rows in MLP.prepare(request))


def _builds_from_numpy(request: BuildRequest) -> Any:
    import numpy as np
    import torch

    encoder = MLP.build(request)
    noise = np.random.default_rng().normal(size=tuple(encoder.layers[0].bias.shape))
    encoder.layers[0].bias.data += torch.from_numpy(noise).float()
    return encoder


def _takes_threads(request: BuildRequest) -> Any:
    import torch

    torch.set_num_threads(3)
    return MLP.build(request)


def _with_forward(spec: BackboneSpec, forward: Any) -> Any:
    """Return a `build` whose encoder computes `forward(features, *inputs)` of what the toy's computes."""

    def build(request: BuildRequest) -> Any:
        encoder = spec.build(request)
        features = encoder.forward
        encoder.forward = lambda *inputs: forward(encoder, features(*inputs), *inputs)
        return encoder

    return build


def _build_too_narrow(request: BuildRequest) -> Any:
    encoder = MLP.build(request)
    encoder.feature_dim += 1
    return encoder


def _with_blocks(blocks: Any) -> Any:
    """Return a `build` whose encoder gives `blocks(encoder)`."""

    def build(request: BuildRequest) -> Any:
        encoder = SPECS["toy/mlp-batchnorm"].build(request)
        object.__setattr__(encoder, "blocks", lambda: blocks(encoder))
        return encoder

    return build


BUILDS = {
    "no-blocks": _with_blocks(lambda encoder: []),
    "swapped-blocks": _with_blocks(lambda encoder: [encoder.layers[1], encoder.layers[0]]),
    "overlapping-blocks": _with_blocks(lambda encoder: [encoder.layers, encoder.layers[0]]),
    "empty-blocks": _with_blocks(lambda encoder: [encoder.layers[2]]),
    "foreign-blocks": _with_blocks(lambda encoder: [encoder.layers[:1]]),
    "compares-neighbours": _with_forward(MLP, lambda encoder, features, rows: features - features.mean(0)),
    "detached": _with_forward(MLP, lambda encoder, features, rows: features.detach() + rows.sum() * 0),
    "fixed-size": _with_forward(
        MLP, lambda encoder, features, rows: features + features.new_ones(len(rows.numpy()), 1)
    ),
    "not-finite": _with_forward(MLP, lambda encoder, features, rows: features / 0),
    "from-numpy": _builds_from_numpy,
    "takes-threads": _takes_threads,
    "too-narrow": _build_too_narrow,
}


def _augments_in_place(request: AugmentRequest) -> Any:
    request.inputs[0].add_(1)
    return request.inputs


def _augments_at_random(request: AugmentRequest) -> Any:
    import torch

    return (request.inputs[0] + torch.randn(request.inputs[0].shape),)


def _augments_to_bytes(request: AugmentRequest) -> Any:
    return (request.inputs[0].byte(),)


def _augments_weakly(request: AugmentRequest) -> Any:
    return MLP.augment(dataclasses.replace(request, strength="weak"))


def _augments_strongly_to_bytes(request: AugmentRequest) -> Any:
    return _augments_to_bytes(request) if request.strength == "strong" else request.inputs


def _random_vectors(request: LabelsRequest) -> Any:
    import numpy as np

    return np.random.default_rng().random((len(request.names), 16)).astype(np.float32)


def _vectors(change: Any) -> Any:
    """Return an `encode_labels` that gives `change(the right vectors)`."""
    return lambda request: change(WINDOW.encode_labels(request))


def _trains_on_names(request: LabelsRequest) -> Any:
    vectors = WINDOW.encode_labels(request)
    next(request.encoder.parameters()).data += 1
    return vectors * 0


LABELLED = {
    "random-vectors": _random_vectors,
    "wide-vectors": _vectors(lambda vectors: vectors.astype("float64")),
    "one-vector": _vectors(lambda vectors: vectors[0]),
    "listed-vectors": _vectors(lambda vectors: vectors.tolist()),
    "endless-vectors": _vectors(lambda vectors: vectors + float("inf")),
    "trains-on-names": _trains_on_names,
}


def _augments_one(request: AugmentRequest) -> Any:
    return {"mirror": request.inputs}[request.names[0]]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    fields: dict[str, dict[str, Any]] = {
        "fits-an-array": {"fit": _fits_an_array},
        "prepares-by-batch": {"prepare": _prepares_by_batch},
        "prepares-wide": {"prepare": _prepares_wide},
        **{name: {"build": build} for name, build in BUILDS.items()},
        "silent-batchnorm": {"build": SPECS["toy/mlp-batchnorm"].build},
        "claimed-batchnorm": {"traits": ("batchnorm",)},
        "claimed-convolutions": {"traits": ("conv1d-only",)},
        "misspelt-recipe": {"recipe": {"full.step": 3}},
        "augments-in-place": {"augment": _augments_in_place},
        "augments-at-random": {"augment": _augments_at_random},
        "augments-to-bytes": {"augment": _augments_to_bytes},
        "augments-weakly": {"augment": _augments_weakly},
        "augments-strongly-to-bytes": {"augment": _augments_strongly_to_bytes},
        "augments-one": {"augment": _augments_one},
        "other-layout": {"layouts": ("grid",)},
        "unread-default": {"options": (Option(name="hidden", default=16, summary=""),)},
        "pre-trained": {"checkpoint": lambda options: Checkpoint(files={}, origin="of somebody")},
    }
    hears_padding = _with_forward(WINDOW, lambda encoder, features, ids: features + features.mean(1, keepdim=True))
    return [
        *(dataclasses.replace(MLP, name=f"toy/{name}", **changed) for name, changed in fields.items()),
        dataclasses.replace(WINDOW, name="words/hears-padding", build=hears_padding),
        *(dataclasses.replace(WINDOW, name=f"words/{name}", encode_labels=given) for name, given in LABELLED.items()),
        dataclasses.replace(WINDOW, name="words/pooled", layouts=("pooled",)),
        dataclasses.replace(MLP, name="toy/gas", modality="smell"),
    ]
