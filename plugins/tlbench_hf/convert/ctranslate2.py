"""The format of CTranslate2, version 6: a header, then name, shape, type and bytes of each weight; little-endian."""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor

from tlbench import BadInputError

VERSION = 6
TYPES = {0: torch.float32, 1: torch.int8, 2: torch.int16, 3: torch.int32, 4: torch.float16, 5: torch.bfloat16}
RANK = 8


def read_ctranslate2(path: Path) -> tuple[str, dict[str, Tensor]]:
    """Return the name of the model's specification, such as `WhisperSpec`, and its weights by name.

    Raises `BadInputError` for a file that is damaged or of another version.
    """
    size = path.stat().st_size
    try:
        with path.open("rb") as stream:
            version, specification = _number(stream, "I"), _text(stream)
            if version != VERSION:
                raise ValueError(f"version {version}, expected {VERSION}")
            _number(stream, "I")  # The revision of the specification.
            count = _number(stream, "I")
            return specification, dict(_weight(stream, size) for _ in range(count))
    except (struct.error, ValueError, KeyError, RuntimeError) as error:
        raise BadInputError(f'"{path.name}" is not a model of CTranslate2 ({error}): download it again.') from error


def _weight(stream: BinaryIO, size: int) -> tuple[str, Tensor]:
    name, rank = _text(stream), _number(stream, "B")
    if rank > RANK:
        raise ValueError(f"{name} has {rank} dimensions")
    shape = [_number(stream, "I") for _ in range(rank)]
    dtype, stored = TYPES[_number(stream, "B")], _number(stream, "I")
    if stored != prod(shape) * dtype.itemsize or stored > size:
        raise ValueError(f"{name} has {stored} bytes and the shape {shape}")
    content = bytearray(stream.read(stored))
    if len(content) != stored:
        raise ValueError("it ends too early")
    return name, torch.frombuffer(content, dtype=dtype).reshape(shape)


def _number(stream: BinaryIO, form: str) -> int:
    (number,) = struct.unpack(f"<{form}", stream.read(struct.calcsize(f"<{form}")))
    return int(number)


def _text(stream: BinaryIO) -> str:
    """Return a text that ends with a zero, which its length counts."""
    return stream.read(_number(stream, "H")).rstrip(b"\0").decode()
