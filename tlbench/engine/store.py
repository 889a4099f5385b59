"""The stage cache: one folder a result, named by the hash of everything that the result depends on.

A stage writes into a temporary folder, which is renamed into place with a manifest of checksums once it is whole.
So a result is there or it is not; a killed run leaves nothing half-done, and what it had finished is found again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tlbench.contract.events import Event
from tlbench.engine.remembered import RememberedHashes, stamp_of
from tlbench.errors import StageError, StoreError
from tlbench.planning.guard import pass_signal
from tlbench.results.files import canonical, digest, file_sha256, read_sealed, sync_folder, write_sealed

MANIFEST = "stage.json"


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
    _warned: set[str] = field(default_factory=set)
    _again: dict[str, list[list[int]]] = field(default_factory=dict)
    """Sizes, times and inodes of the files of stages that this process has read again."""
    failures: dict[str, StageError] = field(default_factory=dict)
    """What failed in this run, by key: it fails again, and is not tried for every pairing that needs it."""

    def find(self, name: str, identity: Mapping[str, Any]) -> StoredStage | None:
        """Return a finished stage, or None; a damaged one counts as not there, with a warning.

        Large files that were found whole before are not read again while they are unchanged.
        """
        key = digest({"stage": name, **identity})
        if key not in self.opened:
            folder = self._folder(name, key)
            if not os.path.lexists(folder):
                return None
            try:
                stage = _read(folder, name, key, identity)
                self._check_files(stage, self._memory)
            except StoreError as error:
                if key not in self._warned:
                    self._warned.add(key)
                    warnings.warn(f'The cached stage "{name}" is not used but computed again: {error}', stacklevel=1)
                return None
            self.opened[key] = stage
        return self.opened[key]

    def is_robbed(self) -> bool:
        """Say whether a stage that was there is gone."""
        return any(not stage.folder.is_dir() for stage in self.opened.values())

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
                self._check_files(stage, None)
                self._again[stage.key] = stamps
        except (OSError, StoreError) as error:
            self.opened.pop(stage.key, None)
            self._memory.forget(stage.folder)
            raise DamagedStageError(str(error)) from error

    def checked(self, stage: StoredStage, name: str) -> Path:
        """Return a file of a stage, read again. Raises `DamagedStageError`."""
        if not _is_whole(stage.folder / name, stage.files.get(name, "")):
            raise DamagedStageError(f'"{stage.folder / name}" is damaged: run the command again.')
        return stage.folder / name

    def _check_files(self, stage: StoredStage, memory: RememberedHashes | None) -> None:
        sha256_of = file_sha256 if memory is None else memory.sha256
        damaged = [
            name for name, sha256 in stage.files.items() if not _is_whole(stage.folder / name, sha256, sha256_of)
        ]
        if damaged:
            raise StoreError(f'"{stage.folder}" has damaged files: {", ".join(damaged)}.')

    def manifests(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Yield the undamaged manifests of finished stages of a name: `identity` and `files`, which are not checked."""
        for path in sorted((self.root / name).glob(f"*/*/{MANIFEST}")):
            with contextlib.suppress(OSError, ValueError):
                yield read_sealed(path)

    def at(self, name: str, key: str) -> StoredStage | None:
        """Return the finished stage of a key, or None."""
        try:
            identity = read_sealed(self._folder(name, key) / MANIFEST)["identity"]
        except (OSError, ValueError, KeyError):
            return None
        return self.find(name, identity)

    def compute(self, name: str, identity: Mapping[str, Any], compute: Callable[[Path], None]) -> StoredStage:
        """Return the stage of that identity; `compute(folder)` fills it where no other process does meanwhile.

        Raises `StageError` with the stage's name for whatever `compute` raises.
        """
        key = digest({"stage": name, **identity})
        if key in self.failures:
            raise self.failures[key]
        folder = self._folder(name, key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Two runs of one plan share their work: the second waits, and finds what the first has made.
        with self._locked(folder):
            # Asked again behind the lock: it may have been computed while we waited.
            if self.find(name, identity) is None:
                try:
                    self._compute(name, identity, folder, compute)
                except StageError as error:
                    self.failures[key] = error
                    raise
        found = self.find(name, identity)
        if found is None:
            raise StoreError(f'The stage "{name}" was written to "{folder}" and cannot be read back: check the disk.')
        return found

    @contextlib.contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Hold the lock of a stage; `on_wait` hears of waiting, which may last as long as the stage takes."""
        lock = FileLock(folder.with_suffix(".lock"))
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
        draft = folder.with_suffix(f".{os.getpid()}.draft")
        # We hold the lock: what is here is damaged, or was left by a killed process that had our number.
        for left_over in (draft, folder):
            _remove(left_over)
        draft.mkdir()
        started = _cpu_seconds()
        try:
            here = os.getpid()
            compute(draft)
            if os.getpid() != here:
                os._exit(1)  # What was computed has forked: the copy must not go on as a second one of this process.
            seconds = round(_cpu_seconds() - started, 3)
            files = {path.name: file_sha256(path) for path in sorted(draft.iterdir())}
            manifest = {"stage": name, "identity": dict(identity), "cpu_seconds": seconds, "files": files}
            write_sealed(draft / MANIFEST, manifest)
            # The one step that makes the result visible; it happens whole or not at all.
            os.replace(draft, folder)
            # Without it the new name may be lost with the power, though the files are there.
            sync_folder(folder.parent)
        except BaseException as error:
            pass_signal(error)
            raise StageError(name, error) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self.notify(Event(name="stage-finished", stage=name, seconds=seconds))

    def sweep(self) -> None:
        """Remove drafts of processes that are gone."""
        for draft in self.root.glob("*/*/*.draft"):
            process = re.search(r"\.(\d{1,9})\.draft$", draft.name)
            if process and not _alive(int(process[1])):
                _remove(draft)

    def _folder(self, name: str, key: str) -> Path:
        return self.root / name / key[:2] / key


def _cpu_seconds() -> float:
    """CPU time of this process and of the children it has waited for."""
    return sum(os.times()[:4])


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # It lives, and belongs to somebody else.
    except PermissionError:
        return True
    return True


def _remove(path: Path) -> None:
    """Remove a folder, or whatever stands in its place."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _read(folder: Path, name: str, key: str, identity: Mapping[str, Any]) -> StoredStage:
    """Return the stage in a folder, its files unchecked. Raises `StoreError` if it is damaged or not what was asked."""
    asked = {"stage": name, "identity": dict(identity)}
    try:
        manifest = read_sealed(folder / MANIFEST)
        answered = {part: manifest[part] for part in asked}
        seconds, files = float(manifest["cpu_seconds"]), dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f'"{folder}" has a damaged manifest.') from error
    # Folders can be copied or renamed by hand; compared as JSON, in which a tuple is a list.
    if canonical(answered) != canonical(json.loads(canonical(asked))):
        raise StoreError(f'"{folder}" contains the result of another request.')
    return StoredStage(name=name, key=key, folder=folder, seconds=seconds, files=files)


def _is_whole(path: Path, sha256: str, sha256_of: Callable[[Path], str] = file_sha256) -> bool:
    try:
        return sha256_of(path) == sha256
    except OSError:
        return False
