"""Weights from files, without running code that the files may contain."""

from __future__ import annotations

import contextlib
import functools
import logging
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.assets.limits import check_expansion, check_file, check_limit
from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".safetensors", ".pth", ".pth.tar", ".th", ".pt", ".bin", ".ckpt")
"""File extensions that `read_weights` reads."""
AVERAGED = ("state_dict_ema", "model_ema")
"""Keys of weights averaged over training steps: timm prefers them to the last weights."""
NESTED = ("state_dict", "model_state_dict", "model", "net")
"""Keys of the weights in files of training scripts, which also contain epochs and optimisers."""
DEPTH = 4
"""Maximum nesting of weights."""


def check_suffix(path: Path) -> None:
    """Raise `BadInputError` for a file without the extension of a weights file."""
    if not path.name.endswith(SUFFIXES):
        raise BadInputError(f'Invalid weights file "{path}": expected one of the extensions {", ".join(SUFFIXES)}.')


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name: `.safetensors` or a file of `torch.save`, without running its code.

    Raises `BadInputError` for a file that is damaged or contains anything but weights.
    """
    import argparse
    import warnings

    import torch
    from safetensors.torch import load_file

    check_suffix(path)
    with reading_weights(path):
        if path.suffix == ".safetensors":
            return load_file(path)  # It compares the sizes of tensors with that of the file.
        # Training scripts, such as those of timm, save plain values together with the weights.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A warning on TorchScript advises a function that runs code.
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    state = _state_in(content, path)
    # A tensor may repeat few stored values, which become many when it is copied.
    check_expansion(path, sum(part.numel() * part.element_size() for part in state.values()))
    return state


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
                f'"{path}" contains averaged and last weights: the averaged ones ("{keys[0]}") are used, as in timm.'
            )
        elif len(keys) > 1 and all(isinstance(part, torch.Tensor) for key in keys for part in entries[key].values()):
            raise BadInputError(f'"{path}" contains several sets of weights ({some(keys)}): save only one of them.')
        content = entries[keys[0]]
    if not isinstance(content, dict) or not all(isinstance(part, torch.Tensor) for part in content.values()):
        described = f" ({some(map(str, content))})" if isinstance(content, dict) else ""
        raise BadInputError(f'"{path}" does not contain only weights{described}: save only a state_dict.')
    return content


def _check_claims(path: Path) -> None:
    """Raise `BadInputError` for a header that is too long, or a zip archive that expands too much."""
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
        # The message of torch advises to run the code.
        if isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error):
            raise BadInputError(
                f'"{path}" cannot be read as weights: it is damaged or contains code, such as a pickled model or '
                f"TorchScript, which is never run. Download it again, or save only the state_dict."
            ) from error
        cause = str(error).partition("\n")[0]
        raise BadInputError(
            f'"{path}" cannot be read as weights ({cause}): download it again, or save tensors.'
        ) from error


def some(names: Iterable[str]) -> str:
    """Return the first five names for a message."""
    ordered = sorted(names)
    return ", ".join(ordered[:5]) + (", ..." if len(ordered) > 5 else "")


@functools.cache
def log_once(text: str) -> None:
    """Log a warning once, not for each model that is built from the same file."""
    logging.getLogger("tlbench").warning(text)
