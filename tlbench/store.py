"""The stage cache: one folder a result, named by the hash of everything that the result depends on.

A stage writes into a temporary folder, which is renamed into place with a manifest of checksums once it is whole.
So a result is there or it is not; a killed run leaves nothing half-done, and what it had finished is found again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from tlbench.errors import StageError, StoreError
from tlbench.events import Event
from tlbench.files import digest, file_sha256, sync_folder, write_json

MANIFEST = "stage.json"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A finished stage on disk."""

    name: str
    key: str
    folder: Path
    seconds: float
    """CPU seconds that it took when it was computed."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """Stages below `root`. Safe for several processes: a key is computed by one while the others wait for it."""

    root: Path
    notify: Callable[[Event], None]
    _open: dict[str, Stage] = field(default_factory=dict)
    _failed: dict[str, StageError] = field(default_factory=dict)
    """What failed in this process fails again: it is not tried for every pairing that needs it."""

    def find(self, name: str, identity: Mapping[str, Any]) -> Stage | None:
        """Return a finished stage, or None; a damaged one counts as not there."""
        key = digest({"stage": name, **identity})
        if key not in self._open:
            folder = self._folder(name, key)
            try:
                seconds = _read_manifest(folder)["cpu_seconds"]
            except StoreError:
                return None
            self._open[key] = Stage(name=name, key=key, folder=folder, seconds=seconds)
        return self._open[key]

    def manifests(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Yield `identity` and `files` of every finished stage of a name, as its manifest has them, unchecked."""
        for path in sorted((self.root / name).glob(f"*/*/{MANIFEST}")):
            try:
                yield json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue

    def stage(self, name: str, identity: Mapping[str, Any], compute: Callable[[Path], None]) -> Stage:
        """Return the stage of that identity; `compute(folder)` fills it where it is not there yet.

        Raises `StageError` with the stage's name for whatever `compute` raises.
        """
        if found := self.find(name, identity):
            self.notify(Event(name="stage-finished", stage=name, seconds=found.seconds, cached=True))
            return found
        key = digest({"stage": name, **identity})
        if key in self._failed:
            raise self._failed[key]
        folder = self._folder(name, key)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if self.find(name, identity) is None:
                try:
                    self._compute(name, identity, folder, compute)
                except StageError as error:
                    self._failed[key] = error
                    raise
        found = self.find(name, identity)
        if found is None:
            raise StoreError(f'The stage "{name}" was written to "{folder}" and cannot be read back: check the disk.')
        return found

    def _compute(self, name: str, identity: Mapping[str, Any], folder: Path, compute: Callable[[Path], None]) -> None:
        self.notify(Event(name="stage-started", stage=name))
        draft = folder.with_suffix(f".{os.getpid()}.draft")
        # We hold the lock: what is here is damaged, or was left by a killed process that had our number.
        for left_over in (draft, folder):
            shutil.rmtree(left_over, ignore_errors=True)
        draft.mkdir()
        started = _cpu_seconds()
        try:
            compute(draft)
            seconds = round(_cpu_seconds() - started, 3)
            files = {path.name: file_sha256(path) for path in sorted(draft.iterdir())}
            write_json(draft / MANIFEST, {"cpu_seconds": seconds, "files": files, "identity": dict(identity)})
            os.replace(draft, folder)
            sync_folder(folder.parent)
        except Exception as error:
            raise StageError(name, error) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self.notify(Event(name="stage-finished", stage=name, seconds=seconds))

    def sweep(self) -> None:
        """Remove drafts of processes that are gone."""
        for draft in self.root.glob("*/*/*.draft"):
            if not _alive(int(draft.suffixes[-2][1:])):
                shutil.rmtree(draft, ignore_errors=True)

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
    except PermissionError:
        return True
    return True


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        damaged = [name for name, sha256 in manifest["files"].items() if file_sha256(folder / name) != sha256]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f'"{folder}" has a damaged manifest.') from error
    if damaged:
        raise StoreError(f'"{folder}" has damaged files: {", ".join(damaged)}.')
    return manifest
