"""Weights from files, without running the code that may come with them."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = (".safetensors", ".pth", ".pth.tar", ".th", ".pt", ".bin", ".ckpt")
"""Endings of the files that `read_weights` reads."""
AVERAGED = ("state_dict_ema", "model_ema")
"""Keys of weights averaged over training steps: timm takes them rather than the last ones."""
NESTED = ("state_dict", "model_state_dict", "model", "net")
"""Keys under which training scripts keep the weights, beside epochs and optimisers."""
DEPTH = 4
"""Keys that weights may be nested below."""


def check_suffix(path: Path) -> None:
    """Raise `BadInputError` for a file whose name is not that of a file of weights."""
    if not path.name.endswith(SUFFIXES):
        raise BadInputError(f'"{path}" is no file of weights: name one that ends in {", ".join(SUFFIXES)}.')


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name: `.safetensors`, or what `torch.save` wrote, without running its code.

    Raises `BadInputError` for a file that is damaged or holds other things than weights.
    """
    import argparse
    import warnings

    import torch
    from safetensors.torch import load_file

    check_suffix(path)
    with reading_weights(path):
        if path.suffix == ".safetensors":
            return load_file(path)
        # The plain values that training scripts, such as timm's, save beside the weights.
        with torch.serialization.safe_globals([argparse.Namespace]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of TorchScript, that a function which runs code be called.
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    return _state_in(content, path)


def _state_in(content: Any, path: Path) -> dict[str, Tensor]:
    """Return the weights in what a training script saved. Raises `BadInputError` for none, or for several."""
    import torch

    for _ in range(DEPTH):
        held = content if isinstance(content, dict) else {}
        keys = [key for key in (*AVERAGED, *NESTED) if isinstance(held.get(key), dict) and held[key]]
        if not keys:
            break
        if keys[0] in AVERAGED and len(keys) > 1:
            log_once(f'"{path}" holds averaged weights beside the last ones: "{keys[0]}" is used, as timm does.')
        elif len(keys) > 1 and all(isinstance(part, torch.Tensor) for key in keys for part in held[key].values()):
            raise BadInputError(f'"{path}" holds several sets of weights ({some(keys)}): save one of them alone.')
        content = held[keys[0]]
    if not isinstance(content, dict) or not all(isinstance(part, torch.Tensor) for part in content.values()):
        described = f" ({some(map(str, content))})" if isinstance(content, dict) else ""
        raise BadInputError(f'"{path}" holds other things than weights{described}: save a state_dict alone.')
    return content


@contextlib.contextmanager
def reading_weights(path: Path) -> Iterator[None]:
    """Raise `BadInputError` for what libraries raise when they read a file of weights that is damaged or holds code."""
    import pickle

    from safetensors import SafetensorError

    try:
        yield
    except (pickle.UnpicklingError, OSError, EOFError, RuntimeError, ValueError, LookupError, SafetensorError) as error:
        # torch's own message advises to run the code.
        if isinstance(error, pickle.UnpicklingError) or "weights_only" in str(error):
            raise BadInputError(
                f'"{path}" cannot be read as weights: it is damaged, or holds objects whose code would have to be run, '
                f"such as a whole model or TorchScript, and is not. Fetch it again, or save the state_dict alone."
            ) from error
        cause = str(error).partition("\n")[0]
        raise BadInputError(
            f'"{path}" cannot be read as weights ({cause}): fetch it again, or save tensors.'
        ) from error


def some(names: Iterable[str]) -> str:
    """Return the first five names for a message."""
    known = sorted(names)
    return ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")


@functools.cache
def log_once(text: str) -> None:
    """Warn in the log, but not for each model that is built from the same file."""
    logging.getLogger("tlbench").warning(text)
