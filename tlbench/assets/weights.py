"""Weights of pre-trained models, put into modules by name; what a checkpoint does not cover is refused."""

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
"""Parts that what stands before the names of weights may have."""


def load_into(
    module: nn.Module, state: Mapping[str, Tensor], where: str, without: Sequence[str] = (), partial: bool = False
) -> Coverage | None:
    """Put weights into a module by name, whatever stands before them, such as `module.` or `backbone.`.

    `where` names the weights in messages. Weights that the module has no place for, such as those of a classifier, are
    named in the log once, unless their names begin with one of `without`. Raises `BadInputError` if weights of the
    module are missing or of another shape, if the file holds further blocks of a deeper network, if two prefixes fit
    equally well, or if weights are not finite. With `partial` weights may be missing; then returns how many were
    loaded, and None if all were.
    """
    own = module.state_dict()
    prefixes = _best_prefixes(state, own)
    given = _cut(state, prefixes[0])
    fitting = {name: part for name, part in given.items() if name in own and _alike(own[name], part)}
    # Counters of batches and position indices, which old files lack, change nothing.
    weights = {name for name, part in own.items() if part.is_floating_point()}
    if not weights & fitting.keys():
        raise BadInputError(
            f'No weight of "{where}" fits: the model has {some(own)} and the file has {some(state)}: name weights of '
            f"this architecture."
        )
    surplus = {name for name in given.keys() - own.keys() if not name.startswith(tuple(without))}
    check_coverage(
        where,
        missing=weights - given.keys(),
        reshaped=(weights & given.keys()) - fitting.keys(),
        further=further_blocks(surplus, module),
        partial=partial,
    )
    _check_prefixes(prefixes, where)
    check_finite_weights(fitting, where)
    module.load_state_dict(fitting, strict=False)
    if surplus:
        log_once(f'{len(surplus)} weights of "{where}" have no place in the model ({some(surplus)}).')
    return weight_coverage(weights, weights - fitting.keys())


def _check_prefixes(prefixes: Sequence[str], where: str) -> None:
    if len(prefixes) > 1:
        raise BadInputError(
            f'"{where}" holds several sets of weights that fit equally well, by what stands before their names: '
            f"{' and '.join(map(repr, prefixes[:3]))}. Save one of them alone."
        )


def weight_coverage(weights: Collection[str], lacking: Collection[str]) -> Coverage | None:
    """Return how many of a model's weights were loaded, or None if none is lacking."""
    return Coverage(len(weights) - len(lacking), len(weights)) if lacking else None


def check_coverage(
    where: str, *, missing: Collection[str], reshaped: Collection[str], further: Collection[str], partial: bool
) -> None:
    """Raise `BadInputError` if a checkpoint covers a model in part, unless `partial`: what is lacking stays random.

    `missing` and `reshaped` name weights of the model, `further` those of the file for which it has no block.
    """
    faults = [
        f"{len(names)} {what} ({some(names)})"
        for what, names in (
            ("missing from the file", missing),
            ("of another shape or type", reshaped),
            ("of blocks that the model does not have", further),
        )
        if names
    ]
    if faults and not partial:
        raise BadInputError(
            f'"{where}" fits the model only in part. Weights: {"; ".join(faults)}. Name weights of this architecture, '
            f"or load what fits, with the rest random, by --set backbone.partial=true."
        )


def check_finite_weights(state: Mapping[str, Tensor], where: str) -> None:
    """Raise `BadInputError` for weights that are not finite as float32."""
    bad = [name for name, part in state.items() if part.is_floating_point() and not part.float().isfinite().all()]
    if bad:
        raise BadInputError(
            f'{len(bad)} weights of "{where}" hold NaN or infinity ({some(bad)}): name a checkpoint from before '
            f"training diverged, or fetch it again."
        )


def further_blocks(names: Iterable[str], module: nn.Module) -> set[str]:
    """Return those names whose block has a number that a list of blocks in the module does not reach.

    So the weights of a deeper network are told from those of a head.
    """
    from torch import nn

    found = set()
    lists = {
        place: part
        for place, part in module.named_modules()
        if isinstance(part, nn.Sequential | nn.ModuleList) and part
    }
    for name in names:
        parts = name.split(".")
        for end, number in enumerate(parts[:-1]):
            block = lists.get(".".join(parts[:end]))
            if block is not None and number.isdigit() and number not in block._modules:
                found.add(name)
    return found


def strip_prefix(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return weights without what stands before their names; as they are if no prefix fits best."""
    prefixes = _best_prefixes(state, own)
    return _cut(state, prefixes[0] if len(prefixes) == 1 else "")


def _cut(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Remove a prefix from names; a name that never had it does not take the place of one that had."""
    others = {name: part for name, part in state.items() if not name.startswith(prefix)}
    return others | {name.removeprefix(prefix): part for name, part in state.items() if name.startswith(prefix)}


def _best_prefixes(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> list[str]:
    """Return what stands before the names in `state`, up to three parts of them, so that most are names in `own`.

    Several if they fit equally well in names and in shapes.
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
