"""One ONNX graph per architecture, every model's weights put in by name, and the proof that nothing was lost."""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from tlbench.errors import ParityError
from tlbench.learning.data import Inputs
from tlbench.learning.model import TransferModel
from tlbench.learning.ragged import Ragged
from tlbench.results.files import digest, write_atomic

OPSET = 20


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
    import onnxscript  # noqa: F401 - torch's exporter writes with it: its version is a part of the graph's key

    # A copy: moving the caller's model to the CPU would move it for good.
    served = Served(copy.deepcopy(model)).eval().cpu()
    shapes = _shapes(model, inputs)
    with _quiet():
        program = torch.onnx.export(
            served,
            # Two examples: with one, the exporter takes the batch axis for a constant 1.
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
    for library in ("torch.onnx", "onnx_ir", "onnxscript"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def fill(graph: onnx.ModelProto, model: TransferModel, inputs: Inputs) -> onnx.ModelProto:
    """Return a copy of an unoptimised graph with the weights of `model`, optimised.

    Raises `ParityError` if a parameter that the outputs depend on has no initialiser of its name and shape.
    """
    from onnxscript import optimizer

    filled = onnx.ModelProto()
    filled.CopyFrom(graph)
    state = {name: tensor.detach().cpu() for name, tensor in Served(model).state_dict().items()}
    by_name = {initializer.name: initializer for initializer in filled.graph.initializer}
    # Else the file would silently serve the weights of the model that was exported first.
    absent = [name for name, _ in Served(model).named_parameters() if name not in by_name]
    if absent and (absent := sorted(set(absent) - unused_parameters(model, inputs))):
        raise ParityError(f"The exported graph has no weights named {', '.join(absent[:3])}.")
    for name in by_name.keys() & state.keys():
        if list(by_name[name].dims) != list(state[name].shape):
            raise ParityError(f"The exported graph's {name} has the shape {list(by_name[name].dims)}.")
        by_name[name].raw_data = state[name].contiguous().numpy().tobytes()
    with _quiet():
        optimized = optimizer.optimize(filled)
    assert isinstance(optimized, onnx.ModelProto)
    return optimized


def unused_parameters(model: TransferModel, inputs: Inputs) -> set[str]:
    """Return the names of parameters that the served outputs do not depend on: an export has no place for them."""
    served = Served(copy.deepcopy(model)).eval().cpu().requires_grad_(True)
    named = dict(served.named_parameters())
    outputs = served(*inputs.batch(np.arange(min(2, len(inputs)))))
    gradients = torch.autograd.grad(outputs.sum(), list(named.values()), allow_unused=True)
    return {name for name, gradient in zip(named, gradients, strict=True) if gradient is None}


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
    # Inferred shapes are notes too: nothing that runs depends on them.
    del model.graph.value_info[:]
    return digest(model.SerializeToString(deterministic=True).hex())
