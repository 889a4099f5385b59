"""The stage cache: one folder a result, named by the hash of everything that the result depends on.

A stage writes into a temporary folder, which is renamed into place with a manifest of checksums once it is whole.
So a result is there or it is not; a killed run leaves nothing half-done, and what it had finished is found again.
"""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import Timeout

from tlbench.contract.events import Event
from tlbench.engine.manifest import MANIFEST, Manifest, check_files, is_whole, read_manifest, stage_key
from tlbench.engine.remembered import RememberedHashes, stamp_of
from tlbench.engine.stage_folders import discard, draft_of, lock_of, publish, sweep
from tlbench.errors import StageError, StoreError
from tlbench.planning.guard import only_here, pass_signal
from tlbench.results.files import canonical, file_sha256


class DamagedStageError(StoreError):
    """A stage that was found whole is not whole any more."""


@dataclass(frozen=True, kw_only=True)
class StoredStage:
    """A finished stage on disk."""

    name: str
    key: str
    folder: Path
    seconds: float
    """CPU seconds that it took when it was computed."""
    files: Mapping[str, str]
    """sha256 of each file by name."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """Stages below `root`. Safe for several processes: a key is computed by one while the others wait for it."""

    root: Path
    notify: Callable[[Event], None]
    computes: bool = True
    """False for a store that only finds: `run_stage` then raises `NotComputed`."""
    on_wait: Callable[[bool], None] | None = None
    """Called with True before this process waits for another that computes the same stage, and with False after."""
    opened: dict[str, StoredStage] = field(default_factory=dict)
    """Stages that this process has found whole, by key."""
    _places: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    """Where they were found, by key: inode and time of change of the folder."""
    _warned: set[str] = field(default_factory=set)
    _again: dict[str, list[list[int]]] = field(default_factory=dict)
    """Sizes, times and inodes of the files of stages that this process has read again."""
    failures: dict[str, StageError] = field(default_factory=dict)
    """What failed in this run, by key: it fails again, and is not tried for every pairing that needs it."""

    def find(self, name: str, identity: Mapping[str, Any]) -> StoredStage | None:
        """Return a finished stage, or None; a damaged one counts as not there, with a warning.

        Large files that were found whole before are not read again while they are unchanged.
        """
        key = stage_key(name, identity)
        if key not in self.opened:
            folder = self._folder(name, key)
            if not os.path.lexists(folder):
                return None
            try:
                stage = _read(folder, name, key, identity)
                check_files(folder, stage.files, self._memory.sha256)
            except StoreError as error:
                if key not in self._warned:
                    self._warned.add(key)
                    warnings.warn(f'The cached stage "{name}" is not used but computed again: {error}', stacklevel=1)
                return None
            self.opened[key] = stage
            self._places[key] = _place(folder)
            # When it was last used. It may be somebody else's, or on a disk that cannot be written.
            with contextlib.suppress(OSError):
                os.utime(folder / MANIFEST)
        return self.opened[key]

    def lost_stages(self) -> bool:
        """Say whether a stage that was there is gone; another process may have computed it again meanwhile."""
        now = {key: _place(stage.folder) for key, stage in self.opened.items()}
        return any(place is None or place != self._places[key] for key, place in now.items())

    @cached_property
    def _memory(self) -> RememberedHashes:
        return RememberedHashes.read(self.root / "checked.json")

    def remember(self) -> None:
        """Keep which large files were found whole, for the next run."""
        self._memory.write()

    def check_again(self, stage: StoredStage) -> None:
        """Read all files of a stage again, once while they are unchanged.

        Raises `DamagedStageError` where one is not what was written; the stage is then not there.
        """
        try:
            stamps = [stamp_of(stage.folder / name) for name in stage.files]
            if self._again.get(stage.key) != stamps:
                check_files(stage.folder, stage.files)
                self._again[stage.key] = stamps
        except (OSError, StoreError) as error:
            self.opened.pop(stage.key, None)
            self._memory.forget(stage.folder)
            raise DamagedStageError(str(error)) from error

    def is_whole(self, stage: StoredStage) -> bool:
        """Return whether all files of a stage are what was written, as `check_again` finds."""
        try:
            self.check_again(stage)
        except DamagedStageError:
            return False
        return True

    def checked(self, stage: StoredStage, name: str) -> Path:
        """Return a file of a stage, read again. Raises `DamagedStageError`."""
        if not is_whole(stage.folder / name, stage.files.get(name, "")):
            raise DamagedStageError(f'"{stage.folder / name}" is damaged: run the command again.')
        return stage.folder / name

    def manifests(self, name: str) -> Iterator[Manifest]:
        """Yield the undamaged manifests of finished stages of a name; their files are not checked."""
        for path in sorted((self.root / name).glob(f"*/*/{MANIFEST}")):
            with contextlib.suppress(OSError, StoreError):
                yield read_manifest(path.parent)

    def at(self, name: str, key: str) -> StoredStage | None:
        """Return the finished stage of a key, or None."""
        try:
            manifest = read_manifest(self._folder(name, key))
        except (OSError, StoreError):
            return None
        return self.find(name, manifest.identity) if (manifest.stage, manifest.key) == (name, key) else None

    def compute(self, name: str, identity: Mapping[str, Any], compute: Callable[[Path], None]) -> StoredStage:
        """Return the stage of that identity; `compute(folder)` fills it where no other process does meanwhile.

        Raises `StageError` with the stage's name for whatever `compute` raises.
        """
        key = stage_key(name, identity)
        if key in self.failures:
            raise self.failures[key]
        folder = self._folder(name, key)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Two runs of one plan share their work: the second waits, and finds what the first has made.
            with self._locked(folder):
                # Asked again behind the lock: it may have been computed while we waited.
                if self.find(name, identity) is None:
                    self._compute(name, identity, folder, compute)
        except StageError as error:
            self.failures[key] = error
            raise
        except OSError as error:
            sentence = _unusable(self.root, error)
            raise StageError(name, sentence) from sentence
        found = self.find(name, identity)
        if found is None:
            raise StoreError(f'The stage "{name}" was written to "{folder}" and cannot be read back: check the disk.')
        return found

    @contextlib.contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Hold the lock of a stage; `on_wait` hears of waiting, which may last as long as the stage takes."""
        lock = lock_of(folder)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            tell = self.on_wait or (lambda waits: None)
            tell(True)
            try:
                lock.acquire()
            finally:
                tell(False)
        try:
            yield
        finally:
            lock.release()

    def _compute(self, name: str, identity: Mapping[str, Any], folder: Path, compute: Callable[[Path], None]) -> None:
        self.notify(Event(name="stage-started", stage=name))
        started = _cpu_seconds()
        try:
            # We hold the lock: what is here is damaged.
            discard(folder)
            with draft_of(folder) as draft:
                with only_here():
                    compute(draft)
                seconds = round(_cpu_seconds() - started, 3)
                files = {path.name: file_sha256(path) for path in sorted(draft.iterdir())}
                Manifest(stage=name, identity=identity, cpu_seconds=seconds, files=files).write(draft)
                publish(draft, folder)
        except BaseException as error:
            pass_signal(error)
            raise StageError(name, error) from error
        self.notify(Event(name="stage-finished", stage=name, seconds=seconds))

    def sweep(self) -> None:
        """Remove drafts that nobody fills any more."""
        sweep(self.root)

    def _folder(self, name: str, key: str) -> Path:
        return self.root / name / key[:2] / key


def _place(folder: Path) -> tuple[int, int] | None:
    """Return inode and time of change of a folder, None if there is none."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def _cpu_seconds() -> float:
    """CPU time of this process and of the children it has waited for."""
    return sum(os.times()[:4])


def _unusable(root: Path, error: OSError) -> StoreError:
    """Return the sentence on a cache that cannot be written."""
    path = os.fsdecode(error.filename or root)
    return StoreError(
        f'The cache cannot be used: "{path}" ({error.strerror or error}). Check this path, or set TLBENCH_CACHE to '
        "another folder."
    )


def _read(folder: Path, name: str, key: str, identity: Mapping[str, Any]) -> StoredStage:
    """Return the stage in a folder, its files unchecked. Raises `StoreError` if it is damaged or not what was asked."""
    manifest = read_manifest(folder)
    # Folders can be copied or renamed by hand; compared as JSON, in which a tuple is a list.
    asked = json.loads(canonical({"stage": name, "identity": dict(identity)}))
    if canonical(asked) != canonical({"stage": manifest.stage, "identity": manifest.identity}):
        raise StoreError(f'"{folder}" contains the result of another request.')
    return StoredStage(name=name, key=key, folder=folder, seconds=float(manifest.cpu_seconds), files=manifest.files)
