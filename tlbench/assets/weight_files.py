"""Weights from files, without running code that the files may contain."""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.assets.file_kinds import check_kind, is_script
from tlbench.assets.limits import check_expansion, check_file, check_limit
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".safetensors", ".pth", ".pth.tar", ".th", ".pt", ".bin", ".ckpt")
"""File extensions that `read_weights` reads."""
AVERAGED = ("state_dict_ema", "model_ema")
"""Keys of weights averaged over training steps: timm prefers them to the last weights."""
NESTED = ("state_dict", "model_state_dict", "model_state", "model", "net")
"""Keys of the weights in files of training scripts, which also contain epochs and optimisers."""
DEPTH = 4
"""Maximum nesting of weights."""


def check_suffix(path: Path) -> None:
    """Raise `BadInputError` for a file without the extension of a weights file."""
    if not path.name.endswith(SUFFIXES):
        raise BadInputError(f'Invalid weights file "{path}": expected one of the extensions {", ".join(SUFFIXES)}.')


def read_weights(path: Path, key: str = "") -> dict[str, Tensor]:
    """Return the tensors of a file by name: `.safetensors` or a file of `torch.save`, without running its code.

    `key` chooses one of several sets of weights: keys in the file and the beginning of names, with dots between them,
    such as `teacher` or `state_dict.module.encoder_q`. Raises `BadInputError` for a file that is damaged, contains
    anything but weights, or has nothing under the key.
    """
    import warnings

    import torch
    from safetensors.torch import load_file

    check_suffix(path)
    with reading_weights(path):
        if path.suffix == ".safetensors":
            content: Any = load_file(path)  # It compares the sizes of tensors with that of the file.
        else:
            with torch.serialization.safe_globals(_plain_classes()), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # A warning on TorchScript advises a function that runs code.
                content = torch.load(path, map_location="cpu", weights_only=True)
    content, prefix = _under(content, key)
    state = _with_prefix(_state_in(content, path), prefix, path, key)
    # A tensor may repeat few stored values, which become many when it is copied.
    check_expansion(path, sum(part.numel() * part.element_size() for part in state.values()))
    return state


def _plain_classes() -> list[Any]:
    """Return classes of plain values that training scripts save together with the weights, beside those of torch.

    timm allows the first; to make an object of any of them has no effect.
    """
    import argparse
    import collections
    import types
    from pathlib import PosixPath

    import numpy as np

    scalar: Any = np._core.multiarray.scalar  # type: ignore[attr-defined]
    kinds = [type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32", "bool")]
    values = [argparse.Namespace, types.SimpleNamespace, collections.defaultdict, PosixPath, np.dtype, *kinds]
    values += [int, float, dict, list]  # What a `defaultdict` is made of.
    return [*values, scalar, (scalar, "numpy.core.multiarray.scalar")]  # The last is its name before numpy 2.


def _under(content: Any, key: str) -> tuple[Any, str]:
    """Return what a file has under a dotted key, and the rest of the key, which is the beginning of weights' names."""
    parts = key.split(".") if key else []
    while parts and isinstance(content, dict):
        ends = range(len(parts), 0, -1)
        end = next((end for end in ends if isinstance(content.get(".".join(parts[:end])), dict)), 0)
        if not end:
            break
        content, parts = content[".".join(parts[:end])], parts[end:]
    return content, ".".join(parts)


def _with_prefix(state: dict[str, Tensor], prefix: str, path: Path, key: str) -> dict[str, Tensor]:
    """Return the weights whose names begin with a prefix, without it. Raises `BadInputError` for none."""
    if not prefix:
        return state
    start = f"{prefix.rstrip('.')}."
    chosen = {name.removeprefix(start): part for name, part in state.items() if name.startswith(start)}
    if not chosen:
        beginnings = {name[: name.find(".", name.find(".") + 1)] for name in state if name.count(".") > 1}
        raise BadInputError(
            f'"{path}" has nothing under the key "{key}". Its names begin with {some(beginnings or state)}: use one of '
            f"these, or leave out backbone.key."
        )
    return chosen


def _state_in(content: Any, path: Path) -> dict[str, Tensor]:
    """Return the weights in the file of a training script. Raises `BadInputError` for none or several sets."""
    import torch

    for _ in range(DEPTH):
        entries = content if isinstance(content, dict) else {}
        keys = [key for key in (*AVERAGED, *NESTED) if isinstance(entries.get(key), dict) and entries[key]]
        if not keys:
            break
        if keys[0] in AVERAGED and len(keys) > 1:
            log_once(
                f'"{path}" contains averaged and last weights: the averaged ones ("{keys[0]}") are used, as in timm. '
                f"For the last ones: --set backbone.key={keys[-1]}"
            )
        elif len(keys) > 1 and all(isinstance(part, torch.Tensor) for key in keys for part in entries[key].values()):
            raise BadInputError(f'"{path}" contains several sets of weights ({some(keys)}): {_choice(keys)}')
        content = entries[keys[0]]
    if not isinstance(content, dict):
        raise BadInputError(f'"{path}" does not contain weights by name: save a state_dict.')
    if not content:
        raise BadInputError(f'"{path}" contains no weights: save the state_dict of a model.')
    if others := [name for name, part in content.items() if not _is_weight(name, part)]:
        sets = [str(key) for key, part in content.items() if _has_weights(part)]
        whole = len(others) == len(content) or bool(sets)
        described = "" if whole else "Not a dense tensor with a name: "
        shown = some(map(str, content if whole else others))
        advice = _choice(sets) if sets else "save only a state_dict."
        raise BadInputError(f'"{path}" does not contain only weights ({described}{shown}): {advice}')
    return content


def _is_weight(name: Any, part: Any) -> bool:
    """Return whether an entry of a file is a tensor with its values, by name."""
    import torch

    return (
        isinstance(name, str)
        and isinstance(part, torch.Tensor)
        and part.layout == torch.strided
        and part.device.type != "meta"
    )


def _has_weights(part: Any) -> bool:
    """Return whether a value of a file is a set of weights, or holds one."""
    import torch

    values = part.values() if isinstance(part, dict) else ()
    return any(isinstance(value, torch.Tensor) or (isinstance(value, dict) and _has_weights(value)) for value in values)


def _choice(keys: Iterable[str]) -> str:
    return f"choose one with --set backbone.key={' or backbone.key='.join(sorted(keys)[:3])}"


def _check_claims(path: Path) -> None:
    """Raise `BadInputError` for another kind of file, a header that is too long, or a zip that expands too much."""
    check_kind(path)
    if path.suffix == ".safetensors":
        with path.open("rb") as stream:
            header = int.from_bytes(stream.read(8), "little")
        if header <= path.stat().st_size:  # The library refuses a longer one without reading it.
            check_limit("header", path, header)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as members:
            check_expansion(path, sum(member.file_size for member in members.infolist()))


@contextlib.contextmanager
def reading_weights(path: Path) -> Iterator[None]:
    """Raise `BadInputError` if a library cannot read a weights file because it is damaged or contains code."""
    import pickle

    from safetensors import SafetensorError

    check_file(path)
    try:
        _check_claims(path)
        yield
    except (
        *(pickle.UnpicklingError, OSError, EOFError, RuntimeError, ValueError, LookupError),
        *(SafetensorError, zipfile.BadZipFile),
    ) as error:
        raise BadInputError(f'"{path}" cannot be read as weights{_cause(path, error)}') from error


def _cause(path: Path, error: Exception) -> str:
    """Return why a file cannot be read, and what to do, without the advice of torch to run the code of a pickle."""
    import pickle

    text = str(error)
    if is_script(path):
        return ": it is a TorchScript archive, which contains code; that is never run. Use the model's state_dict."
    if found := re.search(r"(?:GLOBAL|Trying to \w+ \w+ object|class) ([\w.]+)", text):
        return (
            f": it contains code (an object of {found[1]}), as a pickled model does; that is never run. Use a file "
            f"with the state_dict alone."
        )
    if isinstance(error, pickle.UnpicklingError) or "weights_only" in text:
        return (
            ": it is damaged or contains code, such as a pickled model, which is never run. Download it again, or use "
            "a file with the state_dict alone."
        )
    first_line = text.partition("\n")[0]
    return f" ({first_line}): download it again, or use a file with tensors alone."


def some(names: Iterable[str]) -> str:
    """Return the first five names for a message."""
    ordered = sorted(names)
    return ", ".join(ordered[:5]) + (", ..." if len(ordered) > 5 else "")


@functools.cache
def log_once(text: str) -> None:
    """Log a warning once, not for each model that is built from the same file."""
    logging.getLogger("tlbench").warning(text)
