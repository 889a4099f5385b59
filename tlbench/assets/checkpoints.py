"""Files of pre-trained models - local, in the Hugging Face cache, on the hub - and the weights in them."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.assets.folders import cache_folder, data_folder
from tlbench.assets.hub import either, fetch
from tlbench.contract.specs import Checkpoint
from tlbench.errors import BadInputError, MissingDataError
from tlbench.results.files import read_sealed, slug, write_sealed

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS = (".safetensors", ".pth", ".th", ".pt", ".bin")
"""Suffixes of files that `read_weights` reads."""
NESTED = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts keep the weights, beside epochs and optimisers."""


def models_folder() -> Path:
    """Return the folder of the models that `tlbench pretrain` saves by name."""
    return cache_folder() / "models"


def find(name: str, files: Mapping[str, str | Sequence[str]], optional: Collection[str] = ()) -> Checkpoint:
    """Return the files of a checkpoint, by role.

    `name` is a local file of weights (then the only one) or a local folder, either also below `TLBENCH_DATA`, a model
    that `tlbench pretrain` saved by this name, or `NAME` or `NAME@REVISION` of the hub. `files` gives for each role the
    file's name, or several of which the first that is there is taken. What the Hugging Face cache holds is taken as it
    is, so that a run repeated is the same. Roles in `optional` may be lacking. Raises `MissingDataError`, and
    `BadInputError` for a file that is none of weights.
    """
    wanted = {role: (names,) if isinstance(names, str) else tuple(names) for role, names in files.items()}
    path = _place(name)
    if path.is_file():
        if "weights" not in wanted:
            raise MissingDataError(
                f'"{path}" is a file: name the folder that holds {either(next(iter(wanted.values())))}.'
            )
        _check_suffix(path)
        return Checkpoint(files={"weights": path}, origin=path.name)
    if path.is_dir():
        return Checkpoint(files=_in_folder(path, wanted, optional), origin=path.resolve().name)
    if path.is_absolute() or name.startswith((".", "~")) or path.suffix in WEIGHTS:
        where = "" if path.is_absolute() else ", here or below TLBENCH_DATA"
        raise MissingDataError(f'The checkpoint "{name}" does not exist{where}: fetch it, or check its path.')
    return fetch(name, wanted, optional)


def is_folder(name: str) -> bool:
    """Return whether a name is that of a local folder or of a saved model, and nothing of a hub."""
    return _place(name).is_dir()


def _place(name: str) -> Path:
    """Return the first place where something is: the path itself, saved models, `TLBENCH_DATA`; else the path."""
    path, root = Path(name).expanduser(), data_folder()
    saved = [models_folder() / name] if name == slug(name) else []
    return next((place for place in (path, *saved, *([root / path] if root else [])) if place.exists()), path)


def _check_suffix(path: Path) -> None:
    if path.suffix not in WEIGHTS:
        raise BadInputError(f'"{path}" is no file of weights: name one that ends in {", ".join(WEIGHTS)}.')


def _in_folder(folder: Path, wanted: Mapping[str, Sequence[str]], optional: Collection[str]) -> dict[str, Path]:
    found = {}
    for role, names in wanted.items():
        there = [folder / name for name in names if (folder / name).is_file()]
        if there:
            found[role] = there[0]
        elif role not in optional:
            raise MissingDataError(f'"{folder}" holds no {either(names)}: put it there, or name another checkpoint.')
    return found


def remembered(what: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the JSON that `compute` returns, kept in the cache folder under a name that says all it depends on.

    For what a plan asks of a heavy library, such as the architectures that it knows in a version.
    """
    memory = cache_folder() / "known" / f"{slug(what)}.json"
    try:
        known = read_sealed(memory)
    except (OSError, ValueError):
        known = dict(compute())
        write_sealed(memory, known)
    return known


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name: `.safetensors`, or what `torch.save` wrote, without running its code.

    Raises `BadInputError` for a file that is damaged or holds other things than weights.
    """
    import torch
    from safetensors.torch import load_file

    _check_suffix(path)
    with weights_of(path):
        if path.suffix == ".safetensors":
            return load_file(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    for key in NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(part, torch.Tensor) for part in content.values()):
        held = f" ({_some(map(str, content))})" if isinstance(content, dict) else ""
        raise BadInputError(f'"{path}" holds other things than weights{held}: save a state_dict alone.')
    return content


@contextlib.contextmanager
def weights_of(path: Path) -> Iterator[None]:
    """Raise `BadInputError` for what libraries raise when they read a file of weights that is damaged or holds code."""
    import pickle

    from safetensors import SafetensorError

    try:
        yield
    except pickle.UnpicklingError as error:
        # The library's own message advises to run the code.
        raise BadInputError(
            f'"{path}" cannot be read as weights: it is damaged, or holds objects whose code would have to be run, and '
            f"is not. Fetch it again, or save the state_dict alone."
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, SafetensorError) as error:
        cause = str(error).partition("\n")[0]
        raise BadInputError(
            f'"{path}" cannot be read as weights ({cause}): fetch it again, or save tensors.'
        ) from error


def load_into(module: nn.Module, state: Mapping[str, Tensor], where: str, without: Sequence[str] = ()) -> None:
    """Put weights into a module by name, whatever stands before them, such as `module.` or `backbone.`.

    What does not match is logged once; names that begin with one of `without` need not. `where` names the weights in
    messages. Raises `BadInputError` where nothing matches.
    """
    own = module.state_dict()
    prefix = common_prefix(state, own)
    given = {name.removeprefix(prefix): part for name, part in state.items()}
    matching = {name: part for name, part in given.items() if name in own and own[name].shape == part.shape}
    if not matching:
        raise BadInputError(
            f'No weight of "{where}" fits: the model has {_some(own)} and the file has {_some(state)}: name weights of '
            f"this architecture."
        )
    module.load_state_dict(matching, strict=False)
    left_out = {
        # Counters of batches, which old files lack, change nothing.
        "not in the file": {name for name in own.keys() - given.keys() if not name.endswith("num_batches_tracked")},
        "not in the model": {name for name in given.keys() - own.keys() if not name.startswith(tuple(without))},
        "of another shape": (given.keys() & own.keys()) - matching.keys(),
    }
    if parts := [f"{len(names)} {what} ({_some(names)})" for what, names in left_out.items() if names]:
        _log_once(f'Weights of "{where}" were left out: {"; ".join(parts)}.')


def common_prefix(state: Iterable[str], own: Collection[str]) -> str:
    """Return what stands before the names in `state`, up to three parts of them, so that most are names in `own`."""
    names = list(state)
    parts = [name.split(".") for name in names]
    prefixes = {"".join(f"{part}." for part in some[:depth]) for some in parts for depth in range(min(4, len(some)))}

    def matches(prefix: str) -> int:
        return sum(name.startswith(prefix) and name[len(prefix) :] in own for name in names)

    return max(sorted(prefixes, key=lambda prefix: (len(prefix), prefix)), key=matches, default="")


def _some(names: Iterable[str]) -> str:
    known = sorted(names)
    return ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")


@functools.cache
def _log_once(text: str) -> None:
    logging.getLogger("tlbench").warning(text)
