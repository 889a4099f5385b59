"""A backbone at work on a small sample: fitted, prepared, built."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.requests import LAYOUTS, BuildRequest, FitRequest, Layout, PrepareRequest
from tlbench.errors import ContractError
from tlbench.learning.data import Columns, Examples, Inputs
from tlbench.learning.model import Encoder, TransferModel
from tlbench.learning.targets import Targets
from tlbench.testing.bench import Bench, need
from tlbench.testing.samples import sample
from tlbench.testing.specs import label

LABELS = ("one", "two", "three")
"""Of the head that stands on the encoder."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A backbone fitted to a sample, in one of its layouts."""

    spec: BackboneSpec
    layout: Layout
    request: FitRequest
    fitted: dict[str, Any]

    def prepare(self, inputs: Sequence[Any]) -> Columns:
        return self.spec.prepare(
            PrepareRequest(
                inputs=inputs,
                fitted=self.fitted,
                layout=self.layout,
                options=self.request.options,
                files=self.request.files,
            )
        )

    def inputs(self) -> Inputs:
        return self.as_inputs(self.raw)

    def as_inputs(self, raw: Sequence[Any]) -> Inputs:
        """Return raw examples prepared, without the targets that texts hold of themselves."""
        columns = self.prepare(raw)
        return Inputs(columns[:-1] if LAYOUTS[self.layout].self_labelled else columns)

    def examples(self) -> Examples:
        """Return the sample with the first label for every unit."""
        inputs, model = self.inputs(), self.model().eval()
        batch = inputs.batch(np.arange(len(inputs)))
        with torch.no_grad():
            outputs = model(*batch)
        return Examples(inputs, Targets(np.zeros(len(outputs.units), np.int64), np.asarray(outputs.counts)))

    @property
    def raw(self) -> list[Any]:
        return list(self.request.inputs)

    def build(self) -> Encoder:
        torch.manual_seed(0)
        request = self.request
        return self.spec.build(
            BuildRequest(fitted=self.fitted, layout=self.layout, options=request.options, files=request.files)
        )

    def model(self) -> TransferModel:
        encoder = self.build()
        return TransferModel(encoder, {"target": nn.Linear(encoder.feature_dim, len(LABELS))})


def in_each_layout(spec: BackboneSpec, bench: Bench) -> list[Fitted]:
    """Return a backbone fitted to the sample of each of its layouts, with its options as the bench has them."""
    need(spec)
    options = {option.name: option.parse(bench.options.get(option.name, option.default)) for option in spec.options}
    files = spec.checkpoint(options).files if spec.checkpoint else {}
    made = []
    for layout in spec.layouts:
        request = replace(sample(spec.modality, layout, bench), options=options, files=files, layout=layout)
        made.append(Fitted(spec=spec, layout=layout, request=request, fitted=_as_json(spec, spec.fit(request))))
    return made


def _as_json(spec: BackboneSpec, learnt: Any) -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads(json.dumps(learnt, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ContractError(f"{label(spec)}: fit returns something that is not JSON: {error}.") from error
    if not isinstance(learnt, dict):
        raise ContractError(f"{label(spec)}: fit returns a {type(learnt).__name__}; it must return a dict.")
    return read
