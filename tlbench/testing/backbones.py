"""Checks of a backbone, on small samples of its modality."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.options import training_options
from tlbench.contract.requests import LAYOUTS, Layout
from tlbench.contract.task_data import Array
from tlbench.contract.training import RECIPE_KINDS
from tlbench.deploy.export import export_model, latency_inputs, run_session
from tlbench.deploy.onnx_graph import export_graph
from tlbench.deploy.session import open_session
from tlbench.errors import ContractError
from tlbench.learning.data import Columns, Inputs
from tlbench.learning.kinds.classification import Classification
from tlbench.learning.model import TransferModel, encode, state_hash
from tlbench.learning.ragged import Ragged
from tlbench.testing.augment import augment_keeps_shape_and_type
from tlbench.testing.bench import Bench, Check
from tlbench.testing.blocks import blocks_run_in_order
from tlbench.testing.effects import TORCH_SEED, watched
from tlbench.testing.fitted import LABELS, in_each_layout
from tlbench.testing.labels import label_vectors_are_valid
from tlbench.testing.specs import SPEC_CHECKS, label

TOLERANCE = 1e-4
"""Largest difference of features, relative to the largest."""
SMALL = ("uint8", "int8", "int16", "int32", "float16", "float32", "bool")
"""Types of model inputs; the encoder widens them, on the device."""


def recipe_names_known_options(spec: BackboneSpec, bench: Bench) -> None:
    """Every entry of the recipe is an option of a strategy; a misspelt entry would be ignored."""
    options = {kind: {option.name for option in training_options(steps=1, learning_rate=1.0)} for kind in RECIPE_KINDS}
    for strategy in bench.catalog.strategies.values():
        options.setdefault(strategy.recipe, set()).update(
            option.name for option in strategy.options if option.in_recipes
        )
    every = set().union(*options.values())
    for entry in spec.recipe:
        kind, _, name = entry.rpartition(".")
        if name not in (options[kind] if kind else every):
            raise ContractError(
                f'{label(spec)}: the recipe sets "{entry}", which is not an option of any strategy, or has no '
                f"`in_recipes=True`."
            )


def process_state_is_unchanged(spec: BackboneSpec, bench: Bench) -> None:
    """No function changes a seed, thread, directory or variable; `build` may draw from torch, which the host seeds."""
    for made in in_each_layout(spec, bench):
        watched(f"{label(spec)}: fit", partial(spec.fit, made.request))
        watched(f"{label(spec)}: prepare", made.inputs)
        watched(f"{label(spec)}: build", made.build, apart=[TORCH_SEED])


def fit_is_reproducible(spec: BackboneSpec, bench: Bench) -> None:
    """Two fits to the same examples return the same."""
    for made, again in zip(in_each_layout(spec, bench), in_each_layout(spec, bench), strict=True):
        if made.fitted != again.fitted:
            raise ContractError(f"{label(spec)}: fit returns different results for the same examples.")


def prepare_treats_examples_independently(spec: BackboneSpec, bench: Bench) -> None:
    """An example becomes the same bytes alone, in a batch and in a different order."""
    for made in in_each_layout(spec, bench):
        together = made.inputs()
        if len(together) != len(made.raw):
            raise ContractError(f"{label(spec)}: prepare returns {len(together)} rows for {len(made.raw)} examples.")
        _check_types(spec, together.columns)
        order = list(range(len(made.raw)))[::-1]
        for name, chosen in (("alone", order[:1]), ("in a different order", order)):
            other = made.as_inputs([made.raw[i] for i in chosen])
            if not _equal(together.select(np.array(chosen)), other):
                raise ContractError(
                    f"{label(spec)}: prepare returns a different row for an example {name}: it must depend only on the "
                    f"example and on what fit returned."
                )


def _check_types(spec: BackboneSpec, columns: Columns) -> None:
    if not isinstance(columns, tuple):
        raise ContractError(
            f"{label(spec)}: prepare returns a {type(columns).__name__}; it must return a tuple of columns."
        )
    for column in columns:
        dtype = (column.values if isinstance(column, Ragged) else column).dtype
        if str(dtype) not in SMALL:
            raise ContractError(f"{label(spec)}: prepare returns {dtype}: use the smallest of {', '.join(SMALL)}.")


def _equal(one: Inputs, other: Inputs) -> bool:
    def parts(column: Any) -> tuple[Array, ...]:
        return (column.values, column.offsets) if isinstance(column, Ragged) else (column,)

    pairs = zip(one.columns, other.columns, strict=True)
    return all(
        a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for first, second in pairs
        for a, b in zip(parts(first), parts(second), strict=True)
    )


def build_depends_only_on_the_seed(spec: BackboneSpec, bench: Bench) -> None:
    """Two encoders of one seed have the same weights."""
    for made in in_each_layout(spec, bench):
        if state_hash(made.build()) != state_hash(made.build()):
            raise ContractError(
                f"{label(spec)}: build returns different weights for the same seed: use only torch's random numbers."
            )


@torch.no_grad()
def features_have_the_declared_shape(spec: BackboneSpec, bench: Bench) -> None:
    """`(N, D)`, `(N, T, D)` with a mask of units `(N, T)`, or `(N, H, W, D)`; float32, finite, D = `feature_dim`."""
    for made in in_each_layout(spec, bench):
        encoder, batch = made.build().eval(), made.inputs().batch(np.arange(4))
        features, mask = encoder(*batch), encoder.units(*batch)
        wanted = (*_units(spec, made.layout, mask, features), encoder.feature_dim)
        if tuple(features.shape) != wanted or features.dtype != torch.float32:
            raise ContractError(
                f"{label(spec)}: {made.layout} features are {tuple(features.shape)} {features.dtype}; expected "
                f"{wanted} torch.float32."
            )
        if mask is not None and not LAYOUTS[made.layout].masked:
            raise ContractError(f"{label(spec)}: units must return None if every example, or every pixel, is one unit.")
        if not torch.isfinite(features).all():
            raise ContractError(f"{label(spec)}: features are not finite.")


def _units(spec: BackboneSpec, layout: Layout, mask: Tensor | None, features: Tensor) -> tuple[int, ...]:
    if not LAYOUTS[layout].masked:
        return (4, *features.shape[1 : 1 + LAYOUTS[layout].axes])
    if mask is None or mask.dtype != torch.bool or mask.ndim != 2:
        raise ContractError(f"{label(spec)}: units must return a mask (N, T) of bool in the layout {layout}.")
    return tuple(mask.shape)


def evaluation_treats_examples_independently(spec: BackboneSpec, bench: Bench) -> None:
    """In evaluation mode an example's features are the same alone, in a batch, and beside a longer one."""
    for made in in_each_layout(spec, bench):
        model, inputs = made.model(), made.inputs()
        together = encode(model, inputs)
        alone = np.concatenate([encode(model, inputs.select(np.array([i]))) for i in range(len(inputs))])
        if together.shape != alone.shape or np.abs(together - alone).max() > TOLERANCE * np.abs(together).max():
            raise ContractError(
                f"{label(spec)}: in evaluation mode, an example's features depend on the rest of its batch or on "
                f"padding: check self.training, and mask the padding."
            )


def training_step_changes_parameters(spec: BackboneSpec, bench: Bench) -> None:
    """Gradients exist, are finite, and change parameters."""
    for made in in_each_layout(spec, bench):
        model = made.model().train()
        before = state_hash(model.encoder)
        parameters = [parameter for parameter in model.encoder.parameters() if parameter.requires_grad]
        outputs = model(*made.inputs().batch(np.arange(len(made.raw))))
        units = outputs.units
        nn.functional.cross_entropy(units, torch.arange(len(units)) % len(LABELS)).backward()  # type: ignore[no-untyped-call]
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not gradients or not all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
            raise ContractError(f"{label(spec)}: gradients are missing or not finite in a training step.")
        torch.optim.SGD(parameters, lr=0.1).step()
        if state_hash(model.encoder) == before:
            raise ContractError(f"{label(spec)}: a training step changes no parameter.")


def export_matches_the_model(spec: BackboneSpec, bench: Bench) -> None:
    """The ONNX file gives the model's outputs at every batch size and length, and runs what latency is measured on."""
    for made in in_each_layout(spec, bench):
        model, inputs = made.model().eval(), made.inputs()
        folder = Path(tempfile.mkdtemp(dir=bench.folder))
        export_graph(model, inputs, folder / "graph.onnx")
        export_model(model, folder / "graph.onnx", made.examples(), Classification(), folder / "model.onnx", "cpu", 1)
        session = open_session(folder / "model.onnx", "cpu", 1)
        timed = latency_inputs(inputs)
        batches = [inputs.batch(np.arange(size)) for size in (1, 3)]
        batches += [
            tuple(torch.from_numpy(part) for name, part in timed.items() if name.startswith(kind))
            for kind in ("one", "many")
        ]
        for batch in batches:
            _compare(spec, model, session, batch)


@torch.no_grad()
def _compare(spec: BackboneSpec, model: TransferModel, session: Any, batch: tuple[Tensor, ...]) -> None:
    served, outputs = run_session(session, batch), model(*batch)
    expected = outputs.units.numpy()
    found = served.reshape(-1, served.shape[-1]) if outputs.mask is None else served[outputs.mask.numpy()]
    if found.shape != expected.shape or np.abs(found - expected).max() > TOLERANCE * np.abs(expected).max():
        raise ContractError(f"{label(spec)}: the model and the ONNX file disagree on a batch of {len(batch[0])}.")


def traits_are_true(spec: BackboneSpec, bench: Bench) -> None:
    """`batchnorm` means layers of BatchNorm, `conv1d-only` neither linear layers nor nn.Conv2d."""
    layers = list(in_each_layout(spec, bench)[0].build().modules())
    normalised = any(isinstance(layer, _BatchNorm) for layer in layers)
    if normalised != ("batchnorm" in spec.traits):
        has, advice = ("has", "add") if normalised else ("lacks", "remove")
        raise ContractError(f'{label(spec)} {has} layers of BatchNorm: {advice} the trait "batchnorm".')
    if "conv1d-only" in spec.traits and any(isinstance(layer, nn.Linear | nn.Conv2d) for layer in layers):
        raise ContractError(f'{label(spec)} has linear layers or nn.Conv2d: remove the trait "conv1d-only".')


CHECKS: tuple[Check[BackboneSpec], ...] = (
    *SPEC_CHECKS,
    recipe_names_known_options,
    process_state_is_unchanged,
    fit_is_reproducible,
    prepare_treats_examples_independently,
    build_depends_only_on_the_seed,
    features_have_the_declared_shape,
    evaluation_treats_examples_independently,
    training_step_changes_parameters,
    blocks_run_in_order,
    export_matches_the_model,
    traits_are_true,
    augment_keeps_shape_and_type,
    label_vectors_are_valid,
)
