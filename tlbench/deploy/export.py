"""A model as an ONNX file, and the proof that nothing was lost on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from tlbench.contract.task_data import Array
from tlbench.deploy.onnx_graph import export_graph, fill, write_model
from tlbench.deploy.session import open_session
from tlbench.errors import ParityError
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.generating import Run, dense_batch_size, with_generated
from tlbench.learning.kinds.protocol import Kind
from tlbench.learning.metrics.variety import Tally
from tlbench.learning.model import TransferModel, device_of
from tlbench.learning.outputs import Outputs
from tlbench.learning.targets import Predictions

TOLERANCE = 1e-4
"""Largest difference of outputs, relative to the largest output."""
SENTINEL = 1e6
"""No honest output is as large; files must not mark anything by huge values."""
OFFLINE_BATCH = 64


def export_model(
    model: TransferModel,
    graph: Path,
    examples: Examples,
    kind: Kind,
    path: Path,
    device: str,
    threads: int,
    labels: Sequence[str] = (),
) -> Parity:
    """Write `model` to `path` and return its parity over a split. Raises `ParityError`.

    The shared graph with this model's weights is tried first, and an export of its own where that disagrees. `labels`
    are the names of the outputs, for a kind that generates.
    """
    try:
        write_model(fill(onnx.load(graph), model, examples.inputs), path)
        return check_parity(model, path, examples, kind, device, threads, labels)
    # Where the exporter has folded a weight into a constant, no name leads to it: such a model gets a graph of its own.
    except ParityError:
        export_graph(model, examples.inputs, path, optimize=True)
        write_model(onnx.load(path), path)
        return check_parity(model, path, examples, kind, device, threads, labels)


def run_session(session: Any, batch: tuple[Tensor, ...]) -> Array:
    """Return the dense outputs of a batch on the CPU."""
    return session_run(session)([part.numpy() for part in batch])


def session_run(session: Any) -> Run:
    """Return the function that runs a session on the model inputs of a batch, an array for each."""
    names = [argument.name for argument in session.get_inputs()]

    def run(batch: Sequence[Array]) -> Array:
        outputs: Array = session.run(None, dict(zip(names, batch, strict=True)))[0]
        return outputs

    return run


@dataclass(frozen=True)
class Parity:
    """How far an ONNX file is from the model it came from, over a split."""

    relative: float
    """Largest difference of outputs, relative to the largest output."""
    flips: int
    """Decisions that differ; each only where the two best outputs are nearly equal."""
    predictions: Predictions
    """What the kind makes of the ONNX file's outputs."""
    tally: Tally
    """What the kind decides by them."""


@torch.no_grad()
def check_parity(
    model: TransferModel,
    path: Path,
    examples: Examples,
    kind: Kind,
    device: str,
    threads: int,
    labels: Sequence[str] = (),
) -> Parity:
    """Run model and file over a split, batch by batch, and compare. Raises `ParityError` when they disagree."""
    session, model = open_session(path, device, threads), model.eval()
    place, gap, tally, parts, process = device_of(model), Gap(), Tally(), [], kind.postprocess
    # Batch by batch: the outputs of a language model over a split would not fit into memory.
    for positions, batch in examples.inputs.by_length(dense_batch_size(model.heads["target"], examples.inputs)):
        eager, dense = _on_cpu(model(*(part.to(place) for part in batch))), run_session(session, batch)
        units = dense.reshape(-1, dense.shape[-1]) if eager.mask is None else dense[eager.mask]
        served = Outputs(units, eager.mask, eager.shape)
        gap.add(units, eager.units)
        decisions = process.decide(served)
        gap.flips += flips(decisions, process.decide(eager))
        tally.add(decisions)
        made = Predictions.of(process.predict(served, examples.targets.select(positions).values), served.counts)
        inputs = [part.numpy() for part in batch]
        parts.append((positions, with_generated(kind, made, session_run(session), inputs, labels)))
    return Parity(gap.relative(), gap.flips, Predictions.join(parts), tally)


def _on_cpu(outputs: Outputs) -> Outputs:
    mask = None if outputs.mask is None else outputs.mask.cpu().numpy()
    return Outputs(outputs.units.cpu().numpy(), mask, outputs.shape)


def flips(served: Array | Sequence[Any], eager: Array | Sequence[Any]) -> int:
    """Return how many decisions differ, each of a unit or of an example."""
    if isinstance(served, np.ndarray) and isinstance(eager, np.ndarray):
        return int((served != eager).reshape(len(served), -1).any(1).sum())
    pairs = zip(served, eager, strict=True)
    return sum(not np.array_equal(one, other) for one, other in pairs)


@dataclass
class Gap:
    """The largest difference between the outputs of a file and of its model, batch by batch.

    A decision can flip only at a near tie, which follows from the differences themselves: flips are counted, in the way
    the kind compares decisions, and the differences are gated.
    """

    largest: float = 0.0
    difference: float = 0.0
    flips: int = 0

    def add(self, onnx_outputs: Array, eager_outputs: Array) -> None:
        """Take in the outputs `(M, C)` of a batch. Raises `ParityError` for outputs that no honest file gives."""
        # A comparison with NaN is never above a tolerance: it would pass.
        if not np.isfinite(onnx_outputs).all() or np.abs(onnx_outputs).max(initial=0.0) > SENTINEL:
            raise ParityError("The ONNX file gives outputs that are not finite or are huge.")
        self.largest = max(self.largest, float(np.abs(eager_outputs).max(initial=0.0)))
        self.difference = max(self.difference, float(np.abs(onnx_outputs - eager_outputs).max(initial=0.0)))

    def relative(self) -> float:
        """Return the largest difference, relative to the largest output. Raises `ParityError` above the tolerance."""
        relative = self.difference / max(self.largest, 1e-12)
        if relative > TOLERANCE:
            raise ParityError(
                f"ONNX and torch outputs differ by {relative:.1e} of the largest; {TOLERANCE:.0e} is allowed."
            )
        return relative


def latency_inputs(inputs: Inputs) -> dict[str, Array]:
    """Return the model inputs that latency is measured on: `one_I` the example of median length, `many_I` a batch."""
    # A typical example, not the first: latency of texts depends on their length.
    median = np.argsort(inputs.lengths, kind="stable")[len(inputs) // 2]
    batches = {
        "one": inputs.batch(np.array([median])),
        "many": inputs.batch(np.arange(min(OFFLINE_BATCH, len(inputs)))),
    }
    return {f"{name}_{i}": part.numpy() for name, batch in batches.items() for i, part in enumerate(batch)}
