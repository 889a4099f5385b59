"""One ONNX graph per architecture, every model's weights put in by name, and the proof that nothing was lost."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from tlbench.deploy.session import open_session
from tlbench.errors import ParityError
from tlbench.learning.data import Array, Examples, Inputs, Ragged, restore_order
from tlbench.learning.kinds import Kind
from tlbench.learning.model import EVALUATION_BATCH, TransferModel, device_of
from tlbench.results.files import digest, write_atomic

OPSET = 20
TOLERANCE = 1e-4
"""Largest difference of outputs, relative to the largest output."""
OUTPUTS_AT_ONCE = 2**25
"""Outputs of a batch: 128 MiB."""
SENTINEL = 1e6
"""No honest output is as large; files must not mark anything by huge values."""


class Served(nn.Module):
    """What is exported: dense outputs `(N, C)` or `(N, T, C)` of the head `target`."""

    def __init__(self, model: TransferModel) -> None:
        super().__init__()
        self.encoder = model.encoder
        self.head = model.heads["target"]

    def forward(self, *inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.encoder(*inputs))
        return outputs


def export_graph(model: TransferModel, inputs: Inputs, path: Path, optimize: bool = False) -> None:
    """Write the ONNX graph of a model. Not optimised, its initialisers keep the names of the parameters."""
    served = Served(copy.deepcopy(model)).eval().cpu()
    shapes = _shapes(model, inputs)
    with _quiet():
        program = torch.onnx.export(
            served,
            inputs.batch(np.arange(min(2, len(inputs)))),
            dynamo=True,
            optimize=optimize,
            opset_version=OPSET,
            input_names=[f"input_{position}" for position in range(len(shapes))],
            output_names=["outputs"],
            dynamic_shapes=(shapes,),
            verbose=False,
        )
        assert program is not None
        program.save(str(path), external_data=False)


def _shapes(model: TransferModel, inputs: Inputs) -> tuple[dict[int, str], ...]:
    """Return for each input the axes of any length, by name."""
    free = (*model.encoder.free_axes, *((),) * len(inputs.columns))
    return tuple(
        {0: "batch", 1: f"length_{position}"}
        if isinstance(column, Ragged)
        else {0: "batch", **{axis: f"axis_{axis}_{position}" for axis in free[position]}}
        for position, column in enumerate(inputs.columns)
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress and its advice about its own internals off the terminal."""
    for library in ("torch.onnx", "onnx_ir"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def fill(graph: onnx.ModelProto, model: TransferModel) -> onnx.ModelProto:
    """Return a copy of an unoptimised graph with the weights of `model`, optimised.

    Raises `ParityError` when a parameter of the model has no initialiser of its name and shape.
    """
    from onnxscript import optimizer

    filled = onnx.ModelProto()
    filled.CopyFrom(graph)
    state = {name: tensor.detach().cpu() for name, tensor in Served(model).state_dict().items()}
    by_name = {initializer.name: initializer for initializer in filled.graph.initializer}
    absent = [name for name, _ in Served(model).named_parameters() if name not in by_name]
    if absent:
        raise ParityError(f"The exported graph has no weights named {', '.join(absent[:3])}.")
    for name in by_name.keys() & state.keys():
        if list(by_name[name].dims) != list(state[name].shape):
            raise ParityError(f"The exported graph's {name} has the shape {list(by_name[name].dims)}.")
        by_name[name].raw_data = state[name].contiguous().numpy().tobytes()
    with _quiet():
        optimized = optimizer.optimize(filled)
    assert isinstance(optimized, onnx.ModelProto)
    return optimized


def write_model(model: onnx.ModelProto, path: Path) -> None:
    """Check and write an ONNX model as one file, without the exporter's notes."""
    strip(model)
    onnx.checker.check_model(model, full_check=True)
    write_atomic(path, lambda stream: stream.write(model.SerializeToString(deterministic=True)))


def strip(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes: stack traces that name files of this machine, and with them its user."""
    graph = model.graph
    for noted in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del noted.metadata_props[:]
        noted.ClearField("doc_string")


def structure(path: Path) -> str:
    """Return a hash of what the speed of a graph depends on: nodes, shapes and types, without the weights' values."""
    model = onnx.load(path)
    strip(model)
    for initializer in model.graph.initializer:
        initializer.ClearField("raw_data")
    del model.graph.value_info[:]
    return digest(model.SerializeToString(deterministic=True).hex())


def export_model(
    model: TransferModel, graph: Path, examples: Examples, kind: Kind, path: Path, device: str, threads: int
) -> Parity:
    """Write `model` to `path` and return its parity over a split. Raises `ParityError`.

    The shared graph with this model's weights is tried first, and an export of its own where that disagrees.
    """
    try:
        write_model(fill(onnx.load(graph), model), path)
        return check_parity(model, path, examples, kind, device, threads)
    except ParityError:
        export_graph(model, examples.inputs, path, optimize=True)
        write_model(onnx.load(path), path)
        return check_parity(model, path, examples, kind, device, threads)


def run_session(session: Any, batch: tuple[Tensor, ...]) -> Array:
    """Return the dense outputs of a batch on the CPU."""
    names = [argument.name for argument in session.get_inputs()]
    feed = {name: part.numpy() for name, part in zip(names, batch, strict=True)}
    outputs: Array = session.run(None, feed)[0]
    return outputs


@dataclass(frozen=True)
class Parity:
    """How far an ONNX file is from the model it came from, over a split."""

    relative: float
    """Largest difference of outputs, relative to the largest output."""
    flips: int
    """Decisions that differ; each only where the two best outputs are nearly equal."""
    predictions: Array
    """What the kind keeps of the ONNX file's outputs, one row a unit."""


@torch.no_grad()
def check_parity(model: TransferModel, path: Path, examples: Examples, kind: Kind, device: str, threads: int) -> Parity:
    """Run model and file over a split, batch by batch, and compare. Raises `ParityError` when they disagree."""
    session, model = open_session(path, device, threads), model.eval()
    place, gap, parts = device_of(model), Gap(), []
    for positions, batch in examples.inputs.by_length(_batch_size(model, examples.inputs)):
        moved = tuple(part.to(place) for part in batch)
        mask, outputs = model.encoder.units(*moved), run_session(session, batch)
        units = outputs.reshape(-1, outputs.shape[-1]) if mask is None else outputs[mask.cpu().numpy()]
        gap.add(units, model(*moved).cpu().numpy())
        kept = kind.predict(units, examples.targets.select(positions).values)
        parts.append((positions, kept, model.count_units(moved, len(units))))
    return Parity(gap.relative(), gap.flips, restore_order(parts))


def _batch_size(model: TransferModel, inputs: Inputs) -> int:
    """Return how many examples are compared at once: fewer where a vocabulary of outputs stands at every position."""
    head, longest = model.heads["target"], max(1, int(inputs.lengths.max()))
    outputs = head.out_features if isinstance(head, nn.Linear) else 1
    return max(1, min(EVALUATION_BATCH, OUTPUTS_AT_ONCE // (outputs * longest)))


@dataclass
class Gap:
    """The largest difference between the outputs of a file and of its model, batch by batch.

    A decision can flip only where the two best outputs are no further apart than twice the unit's largest difference:
    that follows from the differences themselves, so flips are counted and the differences are gated.
    """

    largest: float = 0.0
    difference: float = 0.0
    flips: int = 0

    def add(self, onnx_outputs: Array, eager_outputs: Array) -> None:
        """Take in the outputs `(M, C)` of a batch. Raises `ParityError` for outputs that no honest file gives."""
        if not np.isfinite(onnx_outputs).all() or np.abs(onnx_outputs).max(initial=0.0) > SENTINEL:
            raise ParityError("The ONNX file gives outputs that are not finite or are huge.")
        self.largest = max(self.largest, float(np.abs(eager_outputs).max(initial=0.0)))
        self.difference = max(self.difference, float(np.abs(onnx_outputs - eager_outputs).max(initial=0.0)))
        self.flips += int((onnx_outputs.argmax(1) != eager_outputs.argmax(1)).sum())

    def relative(self) -> float:
        """Return the largest difference, relative to the largest output. Raises `ParityError` above the tolerance."""
        relative = self.difference / max(self.largest, 1e-12)
        if relative > TOLERANCE:
            raise ParityError(
                f"ONNX and torch outputs differ by {relative:.1e} of the largest; {TOLERANCE:.0e} is allowed."
            )
        return relative
