"""An encoder with named heads, and how it is kept on disk and run over a split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract.requests import Coverage
from tlbench.contract.task_data import Array
from tlbench.learning import arithmetic
from tlbench.learning.arithmetic import FP32, computing_in
from tlbench.learning.blocks import blocks_of
from tlbench.learning.data import Inputs
from tlbench.learning.outputs import Outputs
from tlbench.learning.ragged import restore_order
from tlbench.learning.signature import Signature
from tlbench.learning.targets import Targets

EVALUATION_BATCH = 256
"""Examples in a batch when nothing is trained."""


@dataclass(frozen=True)
class TokenNumbers:
    """What the numbers in the first input of a text encoder stand for: from 1 to `count`, one for each token."""

    mask: int
    """Stands for a masked token."""
    special: tuple[int, ...]
    """Are never masked, such as 0, which is padding, and those of the start and the end of a text."""
    count: int
    """How many tokens the encoder knows."""


class Encoder(nn.Module):
    """Base of what a backbone builds: `forward(*columns)` gives features, in the layout that was asked for.

    `pooled` `(N, D)`; `sequence` `(N, T, D)`, position t belonging to word t, or to frame t of a sound; `context`
    `(N, W, D)`, position w belonging to word w of the context of a question; `map` `(N, H, W, D)`, a pixel each;
    `cells` `(N, H', W', D)`, a cell of several pixels each, as for detection.
    """

    feature_dim: int
    """D, the width of the features."""
    free_axes: tuple[tuple[int, ...], ...] = ()
    """For each input the axes, beside the batch, that may have any length in the exported file, such as height and
    width; those of ragged inputs are free anyway."""
    coverage: Coverage | None = None
    """How many weights of how many a checkpoint gave, if it fits only in part: what `load_into` returned."""
    token_texts: Sequence[str] | None = None
    """Of a text encoder the text of each token, by its number in the first input; empty for one that stands for no
    text, as padding does. In the layout `sequence` the last input then holds the place of each word's first token, or
    each token is a word. None: not known.

    In the layout `context` the last input always holds 1 + the place of the first token of each word of the context;
    1, the place of the very first token, stands for words behind the cut."""
    token_numbers: TokenNumbers | None = None
    """Of a text encoder with the trait `masked-tokens` the numbers of its tokens; None: it has no mask token."""
    signature: Signature | None = None
    """What it takes; set by the host, which builds it. `StrategySpec.extend` may read it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "blocks":  # As a submodule it would be hidden by the method, and `forward` would fail.
            raise AttributeError("Encoder.blocks is a method: use another name for the attribute.")
        super().__setattr__(name, value)

    def units(self, *inputs: Tensor) -> Tensor | None:
        """Return a mask `(N, T)` of the positions that are units of prediction, or None where all are."""
        return None

    def token_states(self, *inputs: Tensor) -> Tensor:
        """Return features `(N, T, D)` of the tokens in the first input `(N, T)`, for the trait `masked-tokens`."""
        raise NotImplementedError(f"{type(self).__name__} has no token_states: it lacks the trait masked-tokens.")

    def blocks(self) -> Sequence[nn.Module]:
        """Return the parts of the encoder from input to output: disjoint submodules that have parameters.

        The default, `blocks_of`, is right for most encoders. Override it if modules are not registered in the order in
        which they run. Parameters that belong to no block stay in `parameters()`; `outside_blocks` returns them.
        """
        return blocks_of(self)


class TransferModel(nn.Module):
    """An encoder and heads by name: `source` if the task has a source, and `target`."""

    def __init__(self, encoder: Encoder, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleDict(heads)

    def features(self, *inputs: Tensor) -> Tensor:
        """Return the features of the batch's units, `(M, D)`."""
        return self.encoded(*inputs).units  # type: ignore[no-any-return]

    def encoded(self, *inputs: Tensor, unit_count: int | None = None) -> Outputs:
        """Return the features of the batch's units with the examples that they belong to.

        `unit_count` is how many they are, if the caller knows: a GPU that were asked for it would be waited for.
        """
        features = arithmetic.call(self.encoder, *inputs)
        mask = self.encoder.units(*inputs)
        if mask is None:
            units = features.flatten(0, -2)
        elif unit_count is None:
            units = features[mask]
        else:
            torch._assert_async(mask.sum() == unit_count, f"The batch has not {unit_count} units, one for each target.")
            places = mask.flatten().to(torch.uint8).argsort(stable=True, descending=True)[:unit_count]
            units = features.flatten(0, -2).index_select(0, places)
        return Outputs(units, mask, tuple(features.shape[:-1]))

    def pooled(self, *inputs: Tensor) -> Tensor:
        """Return one feature for each example, `(N, D)`: the mean over its units."""
        encoded = self.encoded(*inputs)
        if encoded.mask is None:
            return encoded.values.flatten(1, -2).mean(1) if len(encoded.shape) > 1 else encoded.units  # type: ignore[no-any-return]
        return encoded.values.sum(1) / encoded.mask.sum(1, keepdim=True).clamp(min=1)  # type: ignore[no-any-return]

    def forward(self, *inputs: Tensor, head: str = "target", unit_count: int | None = None) -> Outputs:
        """Return what a head makes of the batch's units, whose number may be given as for `encoded`."""
        encoded, last = self.encoded(*inputs, unit_count=unit_count), self.heads[head]
        # Logits are compared with each other; other heads may compute in the unit of targets, which bf16 would blur.
        outputs = arithmetic.call(last, encoded.units) if type(last) is nn.Linear else last(encoded.units)
        return Outputs(outputs, encoded.mask, encoded.shape, features=encoded.units)


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


@dataclass(frozen=True)
class Encoded:
    """The features of a split, on the CPU."""

    values: Array
    """`(M, D)` float32: one row for each unit, example by example."""
    counts: Array
    """`(N,)` int64: how many units each example has."""
    positions: tuple[int, ...] | None
    """The shape of one example's units if it is the same for all, such as `(H, W)`; None: sequences."""

    def outputs(self, head: Callable[[Array], Array], size: int) -> Iterator[Outputs]:
        """Yield what a head makes of the features, about `size` units at a time and always whole examples."""
        start, first, ends = 0, 0, np.cumsum(self.counts)
        while start < len(self.counts):
            stop = max(start + 1, int(np.searchsorted(ends, first + size, side="right")))
            last = int(ends[stop - 1])
            yield Outputs.packed(head(self.values[first:last]), self.counts[start:stop], self.positions)
            start, first = stop, last


def encode(model: TransferModel, inputs: Inputs) -> Array:
    """Return the features `(M, D)` of all units in evaluation mode, float32."""
    return encode_split(model, inputs).values


@torch.no_grad()
@computing_in(FP32)
def encode_split(model: TransferModel, inputs: Inputs, kept: Targets | None = None) -> Encoded:
    """Return the features of all units in evaluation mode; of those alone that are true in `kept`."""
    model.eval()
    device, parts = device_of(model), []
    masked, positions = False, tuple[int, ...]()
    for places, batch in inputs.by_length(EVALUATION_BATCH):
        encoded = model.encoded(*(part.to(device) for part in batch))
        features, counts = encoded.units.cpu().numpy(), _counts(encoded)
        masked, positions = encoded.mask is not None, encoded.shape[1:]
        if kept is not None:
            chosen = kept.select(places)
            features, counts = features[chosen.values], np.array([part.sum() for part in chosen.split()])
        parts.append((places, features, counts))
    counts = np.concatenate([part[2] for part in parts])
    order = np.argsort(np.concatenate([part[0] for part in parts]), kind="stable")
    return Encoded(restore_order(parts), counts[order], None if masked or kept is not None else positions)


def _counts(outputs: Outputs) -> Array:
    counts = outputs.counts
    return counts.cpu().numpy() if isinstance(counts, Tensor) else counts


@torch.no_grad()
@computing_in(FP32)
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


def changed_parameters(before: TransferModel, after: TransferModel, part: str = "") -> int:
    """Return how many values stand in parameters of encoder and target head that changed or are new.

    With `part`, only parameters whose names begin with it count. The head `target` is compared with the head `source`
    of `before` if that has no other, because it starts from it where the labels agree.
    """
    old = dict(before.named_parameters(remove_duplicate=False))

    def same(name: str, parameter: Tensor) -> bool:
        was = old.get(name, old.get(name.replace("heads.target.", "heads.source.")))
        return was is not None and was.shape == parameter.shape and torch.equal(was, parameter)

    parts = after.named_parameters(remove_duplicate=False)
    served = {name: value for name, value in parts if not name.startswith("heads.source.") and name.startswith(part)}
    return sum(value.numel() for name, value in served.items() if not same(name, value))
