"""Loads weights of pre-trained models into modules by name; a checkpoint that fits only in part is an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from tlbench.assets.weight_files import log_once, some
from tlbench.contract.requests import Coverage
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor, nn

PARTS = 3
"""Maximum number of parts of a prefix of weight names."""
BUFFERS = (
    "num_batches_tracked", "position_ids", "masked_bias", "inv_freq", "attn_mask", "mask", "relative_position_index",
    "relative_coords_table", "total_ops", "total_params",
)  # fmt: skip
"""Last parts of the names of what old files hold beside weights, and models compute themselves."""


def load_into(
    module: nn.Module, state: Mapping[str, Tensor], where: str, without: Sequence[str] = (), partial: bool = False
) -> Coverage | None:
    """Load weights into a module by name; a prefix of the names, such as `module.` or `backbone.`, is removed.

    `where` names the weights in messages. Weights that the module does not have, such as those of a classifier, are
    logged once unless their names begin with one of `without`. Raises `BadInputError` if weights of the module are
    missing or have another shape, if the file has more blocks than the module or more weights in a block, if two
    prefixes fit equally well, or if weights are not finite. With `partial`, weights may be missing: then returns how
    many were loaded. Returns None if all were loaded.
    """
    own = module.state_dict()
    prefixes = _best_prefixes(state, own)
    given = _cut(state, prefixes[0])
    fitting = {name: part for name, part in given.items() if name in own and _alike(own[name], part)}
    # Batch counters and position indices, which old files lack, do not matter.
    weights = {name for name, part in own.items() if part.is_floating_point()}
    if not weights & fitting.keys():
        raise BadInputError(
            f'No weight of "{where}" fits: the model has {some(own)}; the file has {some(state)}. Use weights of this '
            f"architecture."
        )
    surplus = {name for name in given.keys() - own.keys() if not name.startswith(tuple(without))}
    check_coverage(
        where,
        missing=weights - given.keys(),
        reshaped=(weights & given.keys()) - fitting.keys(),
        further=further_blocks((name for name in surplus if not is_buffer(name, given[name])), module),
        partial=partial,
    )
    _check_prefixes(prefixes, where)
    check_finite_weights(fitting, where)
    module.load_state_dict(fitting, strict=False)
    if surplus:
        log_once(f'"{where}" has weights that the model does not use ({len(surplus)}: {some(surplus)}).')
    return weight_coverage(weights, weights - fitting.keys())


def _check_prefixes(prefixes: Sequence[str], where: str) -> None:
    if len(prefixes) > 1:
        raise BadInputError(
            f'"{where}" contains several sets of weights that fit equally well, with the prefixes '
            f"{' and '.join(map(repr, prefixes[:3]))}: choose one, as in --set "
            f"backbone.key={max(prefixes[:2], key=len).rstrip('.')}"
        )


def weight_coverage(weights: Collection[str], lacking: Collection[str]) -> Coverage | None:
    """Return how many of a model's weights were loaded, or None if all were."""
    return Coverage(len(weights) - len(lacking), len(weights)) if lacking else None


def check_coverage(
    where: str,
    *,
    missing: Collection[str],
    reshaped: Collection[str],
    further: Collection[str],
    partial: bool,
    weights: Collection[str] = (),
) -> None:
    """Raise `BadInputError` if a checkpoint covers a model only in part, unless `partial`: the rest stays random.

    `missing` and `reshaped` are names of weights of the model, `further` those of blocks, or within blocks, that only
    the file has. With the names of all `weights` of the model, a checkpoint that has none of them is refused always.
    """
    if weights and not {*weights} - {*missing} - {*reshaped}:
        raise BadInputError(
            f'No weight of "{where}" fits: the model has {some(weights)}. Use weights of this architecture.'
        )
    faults = [
        f"{len(names)} {what} ({some(names)})"
        for what, names in (
            ("missing from the file", missing),
            ("with another shape or type", reshaped),
            ("of blocks or layers that the model lacks", further),
        )
        if names
    ]
    if faults and not partial:
        raise BadInputError(
            f'"{where}" fits the model only in part. Weights: {"; ".join(faults)}. Use weights of this architecture, '
            f"or load the weights that fit and keep the rest random with --set backbone.partial=true."
        )


def check_finite_weights(state: Mapping[str, Tensor], where: str) -> None:
    """Raise `BadInputError` for weights that are not finite as float32."""
    bad = [name for name, part in state.items() if part.is_floating_point() and not part.float().isfinite().all()]
    if bad:
        raise BadInputError(
            f'"{where}" has NaN or infinite weights ({len(bad)}: {some(bad)}): use a checkpoint from before training '
            f"diverged, or download it again."
        )


def is_buffer(name: str, part: Tensor | None = None) -> bool:
    """Return whether a weight of a file is none that is learnt, such as a counter, a mask or a table of positions."""
    *_, last = name.split(".")
    if part is not None and (not part.is_floating_point() or (last == "bias" and part.ndim > 1)):
        return True
    return last in BUFFERS


def further_blocks(names: Iterable[str], module: nn.Module) -> set[str]:
    """Return the names of weights that the module lacks in its lists of blocks: in further blocks, or within a block.

    This distinguishes weights of a deeper network, of adapters and of attention to channels from those of a head.
    """
    from torch import nn

    further = set()
    lists = {
        place: part
        for place, part in module.named_modules()
        if isinstance(part, nn.Sequential | nn.ModuleList) and part
    }
    for name in names:
        parts = name.split(".")
        for end, number in enumerate(parts[:-1]):
            if number.isdigit() and ".".join(parts[:end]) in lists and not is_buffer(name):
                further.add(name)
    return further


def strip_prefix(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights without the prefix of their names; unchanged if no single prefix fits best."""
    prefixes = _best_prefixes(state, own)
    return _cut(state, prefixes[0] if len(prefixes) == 1 else "")


def _cut(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Remove a prefix from names. A name without the prefix does not replace one that had it."""
    others = {name: part for name, part in state.items() if not name.startswith(prefix)}
    return others | {name.removeprefix(prefix): part for name, part in state.items() if name.startswith(prefix)}


def _best_prefixes(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> list[str]:
    """Return the prefix of names in `state`, of up to three parts, with which most names are in `own`.

    Several prefixes if they fit equally well in names and in shapes.
    """
    names: Counter[str] = Counter()
    shapes: Counter[str] = Counter()
    for name, part in state.items():
        parts = name.split(".")
        for depth in range(min(PARTS + 1, len(parts))):
            rest = ".".join(parts[depth:])
            if rest in own:
                prefix = name[: len(name) - len(rest)]
                names[prefix] += 1
                shapes[prefix] += _alike(own[rest], part)
    best = max(((names[prefix], shapes[prefix]) for prefix in names), default=(0, 0))
    return sorted(prefix for prefix in names if (names[prefix], shapes[prefix]) == best) or [""]


def _alike(own: Tensor, part: Tensor) -> bool:
    return own.shape == part.shape and own.is_floating_point() == part.is_floating_point()
