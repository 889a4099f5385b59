"""What stands in the manifest of a finished stage: checked field by field, for a cache may be damaged or copied."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench.errors import StoreError
from tlbench.results.files import digest, file_sha256, is_sha256, read_sealed, stays_inside, write_sealed

MANIFEST = "stage.json"
PROCESS_ERRORS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors of a process and not of the file that it opens: they do not mean that a stage is damaged."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Where a stage came from, and what it left."""

    stage: str
    identity: Mapping[str, Any]
    """Everything that the result depends on."""
    cpu_seconds: float
    files: Mapping[str, str]
    """sha256 of each file by name."""

    @property
    def key(self) -> str:
        """The name of the stage's folder."""
        return stage_key(self.stage, self.identity)

    def write(self, folder: Path) -> None:
        write_sealed(folder / MANIFEST, {**vars(self), "identity": dict(self.identity)})


def stage_key(name: str, identity: Mapping[str, Any]) -> str:
    """Return 32 hex digits that name a stage's result."""
    return digest({"stage": name, **identity})


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a finished stage. Raises `StoreError` if it is damaged or missing."""
    with _damage(f'"{folder}" has a damaged manifest.'):
        value = read_sealed(folder / MANIFEST)
    if value.keys() != _VALID.keys():
        raise StoreError(f'"{folder}" has a damaged manifest: its fields are {", ".join(sorted(value)) or "none"}.')
    for name, is_valid in _VALID.items():
        if not is_valid(value[name]):
            raise StoreError(f'"{folder}" has a damaged manifest: invalid value of "{name}".')
    return Manifest(**value)


def _is_duration(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _are_files(value: Any) -> bool:
    return isinstance(value, dict) and all(is_plain(name) and is_sha256(sha256) for name, sha256 in value.items())


_VALID = {
    "stage": lambda value: isinstance(value, str) and is_plain(value),
    "identity": lambda value: isinstance(value, dict),
    "cpu_seconds": _is_duration,
    "files": _are_files,
}


def is_plain(name: str) -> bool:
    """Return whether a name is that of a file in the folder itself, and not the manifest's."""
    return stays_inside(name) and "/" not in name and name not in (".", MANIFEST)


def check_files(folder: Path, files: Mapping[str, str], sha256_of: Callable[[Path], str] = file_sha256) -> None:
    """Raise `StoreError` if a folder does not hold the files that were written, and no others."""
    with _damage(f'"{folder}" cannot be read.'):
        names = [name for name in os.listdir(folder) if name != MANIFEST]
        regular = {name for name in names if stat.S_ISREG((folder / name).lstat().st_mode)}
    # A file that no stage wrote counts too: some are optional. Hidden ones come from file systems and managers.
    expected = sorted({*files, *(name for name in names if not name.startswith("."))})
    whole = (name in regular and is_whole(folder / name, files.get(name, ""), sha256_of) for name in expected)
    if damaged := [name for name, is_good in zip(expected, whole, strict=True) if not is_good]:
        raise StoreError(f'"{folder}" has damaged files: {", ".join(damaged)}.')


def is_whole(path: Path, sha256: str, sha256_of: Callable[[Path], str] = file_sha256) -> bool:
    """Return whether a file has the content that was written."""
    try:
        return sha256_of(path) == sha256
    except OSError as error:
        if error.errno in PROCESS_ERRORS:
            raise
        return False


@contextlib.contextmanager
def _damage(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in PROCESS_ERRORS:
            raise
        raise StoreError(what) from error
