"""What counts of a module's source, remembered by its content: parsing all that stages reach takes half a second."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tlbench.assets.folders import cache_folder
from tlbench.results.files import digest, write_bytes

READERS = ("module_source.py", "syntax.py")
"""The modules that say what counts: another version of them has a memory of its own."""


def remembered(name: str, path: Path, content: bytes, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the facts of a module with this content: remembered, or found and then remembered."""
    identity = [name, path.name, hashlib.sha256(content).hexdigest(), platform.python_version(), _readers()]
    memory = cache_folder() / "code" / f"{digest(identity)}.json"
    # Without a memory it is found again: slower, and no reason to stop.
    with suppress(OSError, ValueError):
        return _read(memory)
    facts = find()
    text = json.dumps(facts).encode()
    with suppress(OSError):
        write_bytes(memory, hashlib.sha256(text).hexdigest().encode() + text)
    return facts


def _read(path: Path) -> dict[str, Any]:
    """Return remembered facts. Raises `ValueError` if they are damaged."""
    content = path.read_bytes()
    seal, text = content[:64], content[64:]
    if hashlib.sha256(text).hexdigest().encode() != seal:
        raise ValueError(f'"{path}" does not have the content that was written.')
    facts: dict[str, Any] = json.loads(text)
    return facts


@functools.cache
def _readers() -> str:
    folder = Path(__file__).parent
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in READERS)).hexdigest()
