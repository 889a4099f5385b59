"""Folders that are being filled, and the rename that makes a finished stage of one.

A cache may lie on a folder that several machines share. So nothing here asks for a process by its number or for the
time of this machine: names of drafts are random, and ages go by the file system's own clock.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from tlbench.results.files import remove, sync_folder

LEFT_OVER = 24 * 3600
"""Seconds without a change after which a draft may be swept. Its lock says more; the age protects a draft of another
machine where a file system keeps locks to one machine."""
FULL = 2**20
"""Bytes: a disk with less free space counts as full."""
_DRAFT = re.compile(r"([0-9a-f]{32})\.[0-9a-f]+\.draft")


def lock_of(folder: Path) -> FileLock:
    """Return the lock of a stage's folder.

    A lock of the operating system: it ends with the process or the machine that holds it, and NFS, Lustre and the like
    pass it on to other machines. A lock that is a mere file would outlive a killed process of another machine. No
    result depends on locks, for a stage appears by a rename: without them work is done twice.
    """
    return FileLock(folder.with_suffix(".lock"))


@contextlib.contextmanager
def draft_of(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside a stage's, which is gone afterwards unless it was published.

    An error gets a note if the disk is full: what libraries say of it may be anything.
    """
    draft = _beside(folder)
    draft.mkdir()
    try:
        yield draft
    except BaseException as error:
        with contextlib.suppress(OSError):
            if shutil.disk_usage(draft).free < FULL:
                error.add_note("the disk of the cache is full")
        raise
    finally:
        _try_to_remove(draft)


def publish(draft: Path, folder: Path) -> None:
    """Make a draft the finished stage: read-only, and visible as a whole."""
    # An empty folder has the bits that the user's umask leaves to others.
    readable = draft.stat().st_mode & 0o555
    # A file system without permissions is no reason to stop: they protect from accidents, hashes from the rest.
    with contextlib.suppress(OSError):
        for path in draft.iterdir():
            path.chmod(readable & 0o444)
        draft.chmod(readable)
    try:
        os.replace(draft, folder)
    except OSError as error:
        # Another machine was first, where locks do not reach it: its result is as good.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    # Without it the new name may be lost with the power, though the files are there.
    sync_folder(folder.parent)


def discard(folder: Path) -> None:
    """Remove a stage's folder, or whatever stands in its place. It is renamed first: nobody finds a part of it."""
    draft = _beside(folder)
    with contextlib.suppress(FileNotFoundError):
        os.rename(folder, draft)
        _try_to_remove(draft)


def sweep(root: Path) -> None:
    """Remove drafts that nobody fills any more."""
    drafts = [(draft, match[1]) for draft in root.glob("*/*/*.draft") if (match := _DRAFT.fullmatch(draft.name))]
    if not drafts:
        return
    with contextlib.suppress(OSError):
        now = now_of(root)
        for draft, key in drafts:
            # A draft that is gone, locked or somebody else's is left to them.
            with contextlib.suppress(OSError, Timeout):
                if now - _last_change(draft) > LEFT_OVER:
                    with lock_of(draft.with_name(key)).acquire(timeout=0):
                        remove(draft)


def now_of(folder: Path) -> float:
    """Return the time in seconds by the clock of a folder's file system. Raises `OSError` if it cannot be written."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".tmp-") as stream:
        os.utime(stream.name)
        return os.stat(stream.name).st_mtime


def _last_change(draft: Path) -> float:
    return max(path.lstat().st_mtime for path in (draft, *draft.iterdir()))


def _beside(folder: Path) -> Path:
    return folder.with_suffix(f".{secrets.token_hex(8)}.draft")


def _try_to_remove(draft: Path) -> None:
    """Remove a draft; what cannot be removed is swept later."""
    with contextlib.suppress(OSError):
        remove(draft)
