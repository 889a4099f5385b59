"""Two encoders side by side: each has its own columns of inputs, and their features are joined."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tlbench import AugmentRequest, BuildRequest, Coverage, FitRequest, PrepareRequest, UsageError
from tlbench.learning import Columns, Encoder, Tensors
from tlbench_ensembles.concat import SIDES, Parts, of_side


def fit(parts: Parts, request: FitRequest) -> dict[str, Any]:
    """Return by side what the part learnt, and how many columns it prepares."""
    fitted: dict[str, Any] = {}
    for side, part in zip(SIDES, parts, strict=True):
        own = replace(request, options=of_side(side, request.options), files=of_side(side, request.files))
        learnt = json.loads(json.dumps(part.fit(own)))
        one = PrepareRequest(
            inputs=[next(iter(own.inputs))], fitted=learnt, layout=own.layout, options=own.options, files=own.files
        )
        fitted[side] = {"fitted": learnt, "columns": len(part.prepare(one))}
    return fitted


def prepare(parts: Parts, request: PrepareRequest) -> Columns:
    """Return the columns of the first part, then those of the second."""
    return tuple(
        column
        for side, part in zip(SIDES, parts, strict=True)
        for column in part.prepare(
            replace(
                request,
                fitted=request.fitted[side]["fitted"],
                options=of_side(side, request.options),
                files=of_side(side, request.files),
            )
        )
    )


def build(parts: Parts, request: BuildRequest) -> Encoder:
    """Return the encoder; without the role `weights` both parts start at random."""
    encoders = []
    for side, part in zip(SIDES, parts, strict=True):
        files = of_side(side, request.files)
        if "weights" not in request.files:
            files.pop("weights", None)
        fitted, options = request.fitted[side]["fitted"], of_side(side, request.options)
        encoders.append(part.build(replace(request, fitted=fitted, options=options, files=files)))
    return Joined(encoders, request.fitted[SIDES[0]]["columns"], words=request.layout == "sequence")


def augment(parts: Parts, request: AugmentRequest) -> Tensors:
    """Vary the input of each part by the same draws, so that both see the same variation of an example.

    Raises `UsageError` for backbones with several inputs: a batch does not say whose they are.
    """
    if len(request.inputs) != len(parts):
        raise UsageError(
            f"Backbones with several inputs ({len(request.inputs)} for {len(parts)}) cannot be varied when joined: use "
            f"one of them alone."
        )
    start, varied = request.generator.get_state(), list[Tensor]()
    for side, part, column in zip(SIDES, parts, request.inputs, strict=True):
        assert part.augment is not None
        request.generator.set_state(start)
        varied += part.augment(replace(request, inputs=(column,), fitted=request.fitted[side]["fitted"]))
    return tuple(varied)


class Joined(Encoder):
    """Inputs of two encoders, one after the other -> their features side by side, `(..., D1 + D2)`."""

    def __init__(self, encoders: Sequence[Encoder], columns: int, words: bool) -> None:
        super().__init__()
        self.first, self.second = encoders
        self.columns, self.words = columns, words
        self.feature_dim = self.first.feature_dim + self.second.feature_dim
        own = self.first.free_axes
        self.free_axes = (*own, *((),) * (columns - len(own)), *self.second.free_axes)
        known = [one.coverage for one in encoders if one.coverage is not None]
        if known:
            self.coverage = Coverage(sum(one.loaded for one in known), sum(one.expected for one in known))

    def forward(self, *inputs: Tensor) -> Tensor:
        one, other = self.first(*inputs[: self.columns]), self.second(*inputs[self.columns :])
        if self.words:
            # As many words in both; an export knows no such thing of two inputs of any length, but takes indices.
            other = other.index_select(1, torch.arange(one.shape[1], device=one.device))
        return torch.cat([one, other], -1)

    def units(self, *inputs: Tensor) -> Tensor | None:
        return self.first.units(*inputs[: self.columns])

    def blocks(self) -> list[torch.nn.Module]:
        """Return the blocks of the first encoder, then those of the second."""
        return [*self.first.blocks(), *self.second.blocks()]
