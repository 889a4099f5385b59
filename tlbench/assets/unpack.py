"""Files from an untrusted tar archive: its names determine no path, and its size is limited while it is read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from tlbench.assets.registry import PublishedFile

OPENERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
"""Functions that open a compressed archive, by its first bytes; other archives are not compressed."""
MEMBERS = 100_000
"""Maximum number of entries."""
HEADER = 2**20
"""Maximum size of one read. Contents are read in smaller parts, so a larger read is the size that a header claims."""
RATIO, SMALL = 100, 2**26
"""Maximum ratio of expanded to compressed size; up to 64 MiB are always allowed."""


class ArchiveError(Exception):
    """An archive is damaged or incomplete. The message continues a sentence."""


def unpack(archive: Path, files: Sequence[PublishedFile], largest: int) -> dict[PublishedFile, Path]:
    """Write the given files of an archive beside it, and return their paths.

    Of several entries with the same name, the one with the published content is used. Raises `ArchiveError`, also if
    the archive expands to more than `largest` bytes, before these are written.
    """
    with archive.open("rb") as stream:
        start = stream.read(6)
    opener: Any = next((opener for magic, opener in OPENERS.items() if start.startswith(magic)), open)
    limit = _limit(largest, archive.stat().st_size)
    try:
        with opener(archive, "rb") as content:
            limited: Any = _Limited(content, limit)
            with tarfile.open(fileobj=limited, mode="r:") as members:
                staged = _take(members, archive, files, limit)
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, OverflowError) as error:
        if (
            isinstance(error, OSError) and error.errno
        ):  # An error of the disk; errors of damaged archives have no number.
            raise
        raise ArchiveError(f"it cannot be read ({error})") from error
    if absent := [file.name for file in files if file not in staged]:
        raise ArchiveError(f'it has no file "{absent[0]}"')
    return staged


def _take(
    members: tarfile.TarFile, archive: Path, files: Sequence[PublishedFile], limit: int
) -> dict[PublishedFile, Path]:
    by_name = {PurePosixPath(file.name).name: (number, file) for number, file in enumerate(files)}
    staged: dict[PublishedFile, Path] = {}
    size = 0
    for count, member in enumerate(members):
        if count == MEMBERS:
            raise ArchiveError(f"it has more than {MEMBERS:,} entries")
        number, file = by_name.get(PurePosixPath(member.name).name, (0, None))
        if file is None or not member.isreg() or (file in staged and file.matches(staged[file])):
            continue
        size += member.size  # A sparse file may be larger than the archive.
        if size > limit:
            raise _expands(limit)
        staged[file] = archive.with_name(f"member-{number}")
        content = members.extractfile(member)
        assert content is not None, "it is a file"
        with staged[file].open("wb") as stream:
            shutil.copyfileobj(content, stream)
    return staged


def check_expanded(size: int, largest: int, stored: int) -> None:
    """Raise `ArchiveError` if an archive of `stored` bytes expands to too many, or to more than `largest`."""
    if size > _limit(largest, stored):
        raise _expands(_limit(largest, stored))


def _limit(largest: int, stored: int) -> int:
    return min(largest, max(SMALL, RATIO * stored))


def _expands(limit: int) -> ArchiveError:
    return ArchiveError(f"it expands to more than {limit:,} bytes")


class _Limited:
    """The content of a compressed file, up to a number of bytes."""

    def __init__(self, content: IO[bytes], limit: int) -> None:
        self.content, self.limit = content, limit

    def read(self, size: int) -> bytes:
        if size > HEADER:
            raise ArchiveError(f"it has a header of {size:,} bytes")
        self._check(self.content.tell() + size)
        return self.content.read(size)

    def seek(self, place: int) -> int:
        self._check(place)
        return self.content.seek(place)

    def tell(self) -> int:
        return self.content.tell()

    def _check(self, place: int) -> None:
        if place > self.limit + tarfile.RECORDSIZE:  # Padding at the end.
            raise _expands(self.limit)
