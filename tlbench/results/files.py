"""Files that survive a crash, and hashes that name what is in them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from tlbench.results.escapes import UNSEEN, plain_json

SEAL = "digest"
"""The key under which a sealed file holds the digest of the rest."""
PNG = b"\x89PNG\r\n\x1a\n"
"""How a file of the format PNG begins."""
BOARD = Path("leaderboards", "local")
"""Folder of rows and boards unless a run names another; beside it lie the published ones in tlbench's repository."""
TEMPORARY = ".tmp-"
"""What the name of a file begins with that is being written."""
LONGEST_NAME = 255
"""Bytes that file systems take as the name of a file."""


def canonical(value: Any) -> str:
    """Return JSON that is equal for equal values: sorted keys, no white space, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(value: Any) -> str:
    """Return 32 hex digits that name a JSON value."""
    return hashlib.sha256(encode(canonical(value))).hexdigest()[:32]


def encode(text: str) -> bytes:
    """Return text as UTF-8; a surrogate, which UTF-8 cannot hold, becomes its escape, which JSON reads back."""
    return text.encode("utf-8", "backslashreplace")


def text_of(path: Path | str) -> str:
    """Return a path as text that UTF-8 can hold, the same in every locale: a byte that is not UTF-8 becomes `\\xe9`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def file_sha256(path: Path) -> str:
    """Return the hash of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def slug(text: str) -> str:
    """Return text that is one name of a file and means nothing else: visible letters, digits, `_`, `-`, inner dots."""
    return re.sub(rf"([^\w.-]|[{UNSEEN}])+", "-", text).strip(".-") or "-"


def shorter(name: str, most: int) -> str:
    """Return a name of at most so many bytes: a longer one ends with a hash of what it was."""
    if len(name.encode()) <= most:
        return name
    return f"{name.encode()[: most - 9].decode(errors='ignore')}-{digest(name)[:8]}"


def folder_name(domain: str) -> str:
    """Return what a domain's folder of rows is called, and the beginning of the names of its pages and pictures."""
    return shorter(slug(domain), LONGEST_NAME - 55)


def stays_inside(name: str) -> bool:
    """Say whether a name, with slashes, is that of a file below whatever folder it is looked for in."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or re.search(r"[\x00-\x1f\x7f\\]", name):
        return False
    return all(len(part.encode(errors="replace")) <= LONGEST_NAME for part in path.parts)


def write_atomic(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file so that a reader, or a crash at any moment, meets the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY, suffix=path.suffix)
    try:
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, also a read-only folder, as the owner. Raises `OSError`."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    path.chmod(0o700)
    for inner in path.iterdir():
        remove(inner)
    path.rmdir()


def write_bytes(path: Path, data: bytes) -> bool:
    """Write a file atomically where it differs from what is there; return whether it did."""
    if path.is_file() and path.read_bytes() == data:
        return False
    write_atomic(path, lambda stream: stream.write(data))
    return True


def write_json(path: Path, value: Mapping[str, Any]) -> bool:
    """Write JSON as `write_bytes` does: sorted and indented, so that a change shows as a small difference.

    All of it is printable, for people look at such files in a terminal.
    """
    return write_bytes(path, _indented(value))


def _indented(value: Mapping[str, Any]) -> bytes:
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return plain_json(f"{text}\n").encode()


def write_sealed(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON with its own digest, by which `read_sealed` notices every damage."""
    plain = json.loads(canonical(value))  # As it will be read: tuples are lists, keys are texts.
    write_json(path, {**plain, SEAL: digest(plain)})


def read_sealed(path: Path) -> dict[str, Any]:
    """Return what `write_sealed` wrote. Raises `ValueError` where the content is anything else, or `OSError`."""
    # Opening a pipe would wait for somebody to write into it.
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(f'"{path}" is not a regular file.')
    content = path.read_bytes()
    try:
        value = json.loads(content)
        # Byte by byte, for JSON has many forms of one value.
        if isinstance(value, dict) and content == _indented(value) and value.pop(SEAL, None) == digest(value):
            return value
    except RecursionError as error:
        raise ValueError(f'"{path}" is nested too deep.') from error
    raise ValueError(f'"{path}" does not have the content that was written.')


def is_sha256(value: Any) -> bool:
    """Return whether a value is 64 hex digits."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def read_hashes(path: Path) -> dict[str, list[Any]]:
    """Return remembered hashes by name: size, mtime, ctime, inode and sha256 of a file; none if they are damaged."""
    try:
        entries = read_sealed(path)["files"]
    except (OSError, ValueError, KeyError):
        return {}
    return entries if isinstance(entries, dict) and all(map(_is_hash, entries.values())) else {}


def _is_hash(entry: Any) -> bool:
    return isinstance(entry, list) and list(map(type, entry)) == [int, int, int, int, str] and is_sha256(entry[-1])


def seal_is_whole(value: Mapping[str, Any]) -> bool:
    """Return whether JSON has the digest that was written with it, or none."""
    try:
        return SEAL not in value or value[SEAL] == digest({name: part for name, part in value.items() if name != SEAL})
    except ValueError:  # It holds NaN, which is never written.
        return False


def sync_folder(folder: Path) -> None:
    """Make a rename inside the folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
