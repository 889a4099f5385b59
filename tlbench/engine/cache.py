"""What the cache holds: how much, what was not used for long, and what is damaged. Light."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from tlbench.engine.manifest import MANIFEST, check_files, read_manifest
from tlbench.engine.remembered import RememberedHashes
from tlbench.engine.stage_folders import discard, lock_of, now_of, sweep
from tlbench.errors import StoreError

IN_USE = 3600
"""Seconds for which a stage that was found or computed is not pruned: a run may still read it."""


@dataclass(frozen=True, kw_only=True)
class CachedStage:
    """A finished stage, whole or damaged."""

    name: str
    folder: Path
    size_bytes: int
    used: float
    """When it was computed or last found, in seconds by the file system's clock."""


def cached_stages(root: Path) -> list[CachedStage]:
    """Return all finished stages, the one that was not used for longest first."""
    folders = [folder for folder in root.glob("*/*/*") if re.fullmatch("[0-9a-f]{32}", folder.name)]
    return sorted(map(_stage, folders), key=lambda stage: (stage.used, stage.folder))


def _stage(folder: Path) -> CachedStage:
    used = next(filter(None, map(_status, (folder / MANIFEST, folder))), None)
    return CachedStage(
        name=folder.parents[1].name,
        folder=folder,
        size_bytes=size_of([folder]),
        used=used.st_mtime if used else 0.0,
    )


def size_of(paths: Iterable[Path], without: frozenset[Path] = frozenset()) -> int:
    """Return the bytes of files, and of all files in folders except those in `without`."""
    size = 0
    for path in paths:
        status = _status(path)
        if status is None or path in without:
            continue
        if stat.S_ISDIR(status.st_mode):
            with contextlib.suppress(OSError):
                size += size_of(path.iterdir(), without)
        else:
            size += status.st_size
    return size


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a path; None if it is gone, or may not be read."""
    try:
        return path.lstat()
    except OSError:
        return None


def prune(root: Path, older_than: float | None, max_bytes: float | None, dry_run: bool) -> list[CachedStage]:
    """Remove stages, the one that was not used for longest first; return those that are gone, or would be.

    Stages that were not used for `older_than` seconds are removed, and as many more as it takes until all stages have
    at most `max_bytes`. What another process computes and what was used within the last hour is kept. Raises `OSError`
    if the cache cannot be written.
    """
    stages, now = cached_stages(root), now_of(root)
    size = sum(stage.size_bytes for stage in stages)
    gone = []
    for stage in stages:
        age = now - stage.used
        is_old, is_over = older_than is not None and age > older_than, max_bytes is not None and size > max_bytes
        if age > IN_USE and (is_old or is_over) and _remove(stage, dry_run):
            size -= stage.size_bytes
            gone.append(stage)
    if not dry_run:
        sweep(root)
        forget(root, gone)
    return gone


def _remove(stage: CachedStage, dry_run: bool = False) -> bool:
    """Remove a stage; return False if another process computes it, or if it cannot be removed."""
    try:
        with lock_of(stage.folder).acquire(timeout=0):
            if not dry_run:
                discard(stage.folder)
    except (OSError, Timeout):
        return False
    return True


def forget(root: Path, stages: Iterable[CachedStage]) -> None:
    """Forget the hashes of stages that are gone."""
    memory = RememberedHashes.read(root / "checked.json")
    for stage in stages:
        memory.forget(stage.folder)
    memory.write()


def damage(stage: CachedStage) -> str:
    """Read all files of a stage; return what is wrong, or an empty text."""
    try:
        manifest = read_manifest(stage.folder)
        if (manifest.stage, manifest.key) != (stage.name, stage.folder.name):
            raise StoreError(f'"{stage.folder}" contains the result of another request.')
        check_files(stage.folder, manifest.files)
    except StoreError as error:
        # A stage that was pruned or replaced meanwhile is no damage.
        return str(error) if os.path.lexists(stage.folder) else ""
    return ""


def remove_damaged(root: Path, stages: Iterable[CachedStage]) -> Iterator[CachedStage]:
    """Remove stages that are still damaged; yield those that are gone."""
    gone = [stage for stage in stages if damage(stage) and _remove(stage)]
    forget(root, gone)
    yield from gone
