"""Hashes of large files that were read once, so that a finished plan is recognised without reading gigabytes."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench.results.files import file_sha256, read_hashes, write_sealed

LARGE = 2**20
"""Bytes from which on a hash is remembered: smaller files are read each time."""
SETTLED = 2 * 10**9
"""Age of a file's last change in ns from which on its hash is remembered: clocks of file systems may be coarse."""


def stamp_of(path: Path) -> list[int]:
    """Return what is the same while a file is unchanged: size, mtime, ctime and inode."""
    return _stamp(path.stat())


def _stamp(status: os.stat_result) -> list[int]:
    # mtime can be set, as `cp -p` and `rsync -t` do; ctime cannot, and a replaced file has another inode.
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


@dataclass
class RememberedHashes:
    """Hashes by path, each valid while the file's size, mtime, ctime and inode are the same."""

    path: Path
    entries: dict[str, list[Any]] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def read(cls, path: Path) -> RememberedHashes:
        """Return what a file remembers; nothing where it is damaged."""
        return cls(path, read_hashes(path))

    def sha256(self, path: Path) -> str:
        """Return a file's hash: the remembered one if the file is unchanged, else that of what is in it now."""
        # Both before the file is read: a change meanwhile then makes the stamp of the next look another one.
        now, status = time.time_ns(), path.stat()
        if status.st_size < LARGE:
            return file_sha256(path)
        stamp = _stamp(status)
        name = str(path.relative_to(self.path.parent))
        if (entry := self.entries.get(name)) and entry[:-1] == stamp:
            return str(entry[-1])
        sha256 = file_sha256(path)
        if now - status.st_ctime_ns >= SETTLED:
            self.entries[name] = [*stamp, sha256]
            self.changed = True
        return sha256

    def forget(self, folder: Path) -> None:
        """Forget the files of a folder."""
        prefix = f"{folder.relative_to(self.path.parent)}/"
        for name in [name for name in self.entries if name.startswith(prefix)]:
            del self.entries[name]
            self.changed = True

    def write(self) -> None:
        """Keep what is known now. What another process kept meanwhile is lost, and read again."""
        if self.changed:
            # Without this memory the files are read again, which is slower and no reason to stop.
            with contextlib.suppress(OSError):
                write_sealed(self.path, {"files": self.entries})
