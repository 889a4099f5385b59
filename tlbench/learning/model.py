"""An encoder with named heads, and how it is kept on disk and run over a split."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract.requests import Coverage
from tlbench.contract.task_data import Array
from tlbench.learning.blocks import blocks_of
from tlbench.learning.data import Inputs, Targets, restore_order

EVALUATION_BATCH = 256
"""Examples in a batch when nothing is trained."""


class Encoder(nn.Module):
    """Base of what a backbone builds: `forward(*columns)` gives features, in the layout that was asked for.

    `pooled` `(N, D)`; `sequence` `(N, T, D)`, position t belonging to word t; `map` `(N, H, W, D)`, a pixel each.
    """

    feature_dim: int
    """D, the width of the features."""
    free_axes: tuple[tuple[int, ...], ...] = ()
    """For each input the axes, beside the batch, that may have any length in the exported file, such as height and
    width; those of ragged inputs are free anyway."""
    coverage: Coverage | None = None
    """How many weights of how many a checkpoint gave, if it fits only in part: what `load_into` returned."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "blocks":  # As a submodule it would be hidden by the method, and `forward` would fail.
            raise AttributeError("Encoder.blocks is a method: use another name for the attribute.")
        super().__setattr__(name, value)

    def units(self, *inputs: Tensor) -> Tensor | None:
        """Return a mask `(N, T)` of the positions that are units of prediction, or None where all are."""
        return None

    def blocks(self) -> Sequence[nn.Module]:
        """Return the parts of the encoder from input to output: disjoint submodules that have parameters.

        The default, `blocks_of`, is right for most encoders. Override it if modules are not registered in the order in
        which they run. Parameters that belong to no block stay in `parameters()`; `outside_blocks` returns them.
        """
        return blocks_of(self)


class ScaledLinear(nn.Linear):
    """A linear head whose outputs are in the unit of the targets, and whose weights are in that of their spread.

    Optimisers take steps of one size whatever the unit; so the first targets that the head is fitted to set the scale.
    """

    scale: Tensor
    settled: Tensor

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__(features, outputs)
        self.register_buffer("scale", torch.ones(outputs))
        self.register_buffer("settled", torch.tensor(False))

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features) * self.scale

    @torch.no_grad()
    def settle(self, targets: Array) -> None:
        """Take scale and start from targets `(M, C)`, unless that was done before."""
        if not self.settled:
            spread = targets.std(0)
            self.put(self.weight.cpu().numpy(), targets.mean(0), np.where(spread > 0, spread, 1.0))

    @torch.no_grad()
    def put(self, weight: Array, bias: Array, scale: Array) -> None:
        """Set all: weights `(C, D)` in units of the scale `(C,)`, the bias `(C,)` in the unit of the targets."""
        for part, value in ((self.weight, weight), (self.bias, bias / scale), (self.scale, scale)):
            part.copy_(torch.from_numpy(np.asarray(value, np.float32)))
        self.settled.fill_(True)


class Distance(nn.Linear):
    """A linear head `(..., features) -> (..., 2)` that adds |(f - c) R|^2 to the second output; R is 0 at the start."""

    center: Tensor
    root: Tensor
    second: Tensor

    def __init__(self, features: int) -> None:
        super().__init__(features, 2)
        self.register_buffer("center", torch.zeros(features))
        self.register_buffer("root", torch.zeros(features, features))
        self.register_buffer("second", torch.tensor([0.0, 1.0]))

    def forward(self, features: Tensor) -> Tensor:
        distance = ((features - self.center) @ self.root).square().sum(-1, keepdim=True)
        return super().forward(features) + distance * self.second


class TransferModel(nn.Module):
    """An encoder and heads by name: `source`, and after adaptation `target`."""

    def __init__(self, encoder: Encoder, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(heads)

    def features(self, *inputs: Tensor) -> Tensor:
        """Return the features of the batch's units, `(M, D)`."""
        features: Tensor = self.encoder(*inputs)
        mask = self.encoder.units(*inputs)
        return features.flatten(0, -2) if mask is None else features[mask]

    def count_units(self, inputs: tuple[Tensor, ...], units: int) -> Array:
        """Return how many of the batch's units each example has, `(N,)`."""
        mask, size = self.encoder.units(*inputs), len(inputs[0])
        return np.full(size, units // size) if mask is None else mask.sum(1).cpu().numpy()

    def forward(self, *inputs: Tensor, head: str = "target") -> Tensor:
        """Return the outputs of the batch's units, `(M, C)`."""
        outputs: Tensor = self.heads[head](self.features(*inputs))
        return outputs


def device_of(module: nn.Module) -> torch.device:
    """Return where the module's parameters lie."""
    return next(module.parameters()).device


def state_hash(module: nn.Module) -> str:
    """Return a hash of all parameters and buffers."""
    state = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        state.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return state.hexdigest()


@torch.no_grad()
def encode(model: TransferModel, inputs: Inputs, kept: Targets | None = None) -> Array:
    """Return the features `(M, D)` of all units in evaluation mode, float32; of those alone that are true in `kept`."""
    model.eval()
    device, parts = device_of(model), []
    for positions, batch in inputs.by_length(EVALUATION_BATCH):
        moved = tuple(part.to(device) for part in batch)
        features = model.features(*moved).cpu().numpy()
        counts = model.count_units(moved, len(features))
        if kept is not None:
            chosen = kept.select(positions)
            features, counts = features[chosen.values], np.array([part.sum() for part in chosen.split()])
        parts.append((positions, features, counts))
    return restore_order(parts)


@torch.no_grad()
def apply_head(head: nn.Module, features: Array) -> Array:
    """Return the outputs `(M, C)` of a head on features, in evaluation mode, float32."""
    head.eval()
    device = device_of(head)
    parts = [features[start : start + EVALUATION_BATCH] for start in range(0, len(features), EVALUATION_BATCH)]
    return np.concatenate([head(torch.from_numpy(np.array(part)).to(device)).cpu().numpy() for part in parts])


def save_weights(model: TransferModel, path: Path) -> None:
    """Write all parameters and buffers as safetensors."""
    from safetensors.torch import save_file

    # Copies, for safetensors refuses tensors that share memory, as those of a head under two names do.
    state = model.state_dict().items()
    save_file({name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in state}, path)


def load_weights(model: TransferModel, path: Path) -> TransferModel:
    """Put saved weights into a model of the same architecture."""
    from safetensors.torch import load_file

    model.load_state_dict(load_file(path))
    return model


def count_parameters(module: nn.Module) -> int:
    """Return the number of values in all parameters."""
    return sum(parameter.numel() for parameter in module.parameters())


def trained_parameters(before: TransferModel, after: TransferModel) -> int:
    """Return how many parameters of encoder and target head stand in tensors that changed or are new.

    The head `target` is compared with the head `source` of `before`, from which it starts where the labels agree.
    """
    old = dict(before.named_parameters())

    def same(name: str, parameter: Tensor) -> bool:
        was = old.get(name.replace("heads.target.", "heads.source."))
        return was is not None and was.shape == parameter.shape and torch.equal(was, parameter)

    parts = after.named_parameters(remove_duplicate=False)
    served = {name: part for name, part in parts if not name.startswith("heads.source.")}
    return sum(part.numel() for name, part in served.items() if not same(name, part))
