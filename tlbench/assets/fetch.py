"""Published data -> the data root: what is there and whole stays, what is not is downloaded, checked and put there."""

from __future__ import annotations

import os
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from tlbench.assets.registry import DataSet, PublishedFile
from tlbench.errors import MissingDataError, UsageError

TIMEOUT = 30
"""Seconds that a server may be silent."""
RETRIES = 2
WORKERS = 6
STAGING = ".fetch"
"""Folder in the data root for what is not checked yet: on its disk, so that a file gets its place in one rename."""


def lacking(data_set: DataSet, root: Path) -> list[PublishedFile]:
    """Return the files that are not there, or not as they were published."""
    places = [(file, root / data_set.folder / file.name) for file in data_set.files]
    return [file for file, place in places if not (place.is_file() and file.matches(place))]


def fetch(
    data_set: DataSet, files: Sequence[PublishedFile], root: Path, mirror: str, on_file: Callable[[], object]
) -> None:
    """Download files to their places below the data root; `on_file` is called after each.

    `mirror` takes the place of scheme and host. Files appear whole or not at all, so that the call may be repeated.
    Raises `MissingDataError` for what cannot be had, `UsageError` where the root cannot be written.
    """
    wanted: dict[str, list[PublishedFile]] = {}
    for file in files:
        wanted.setdefault(file.url, []).append(file)
    try:
        with _staging(root) as folder, ThreadPoolExecutor(WORKERS) as pool:
            download = _Download(data_set, root)
            jobs = [
                pool.submit(download, found, mirrored(url, mirror), folder / str(number))
                for number, (url, found) in enumerate(wanted.items())
            ]
            try:
                for job in as_completed(jobs):
                    for _ in range(job.result()):
                        on_file()
            except BaseException:
                download.stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except OSError as error:
        raise UsageError(f'"{root}" cannot be written ({error.strerror}): name another folder.') from error


def mirrored(url: str, mirror: str) -> str:
    """Return the address below a mirror: its own path behind the mirror's."""
    return mirror.rstrip("/") + urlsplit(url).path if mirror else url


@contextmanager
def _staging(root: Path) -> Iterator[Path]:
    """Make an empty folder for this process alone; what a killed one left in it goes."""
    from filelock import FileLock, Timeout

    folder = root / STAGING
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            for left in folder.iterdir():
                if left.is_dir():
                    shutil.rmtree(left)
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        raise UsageError(f'Another "tlbench fetch" is at work in "{root}": wait for it.') from None


@dataclass(frozen=True)
class _Download:
    """Brings one address after the other, in several threads at once."""

    data_set: DataSet
    root: Path
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when no further try is wanted."""

    def __call__(self, files: Sequence[PublishedFile], url: str, folder: Path) -> int:
        """Download one address and put what it holds in place; return the number of files."""
        archive = bool(self.data_set.archive)
        downloaded = self._bring(url, None if archive else files[0].known_hash, folder)
        staged = _unpack(downloaded, files) if archive else {files[0]: downloaded}
        for file in files:
            if file not in staged or not file.matches(staged[file]):
                raise _changed(self.data_set, url, f'"{file.name}"')
            place = self.root / self.data_set.folder / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged[file], place)
        return len(files)

    def _bring(self, url: str, known_hash: str | None, folder: Path) -> Path:
        import pooch
        import requests

        pooch.get_logger().setLevel("WARNING")
        name = PurePosixPath(urlsplit(url).path).name
        store = pooch.create(
            path=folder, base_url="", registry={name: known_hash}, urls={name: url}, retry_if_failed=RETRIES
        )
        http = pooch.HTTPDownloader(timeout=TIMEOUT, chunk_size=2**16)

        def unless_stopped(*request: Any) -> None:
            if self.stopped.is_set():
                raise CancelledError
            http(*request)

        try:
            return Path(store.fetch(name, downloader=unless_stopped))
        except requests.RequestException as error:
            raise MissingDataError(
                f'"{self.data_set.title}": {url} {_reason(error)}. What has come is kept: the same command goes on '
                f"from there; a mirror can be named by TLBENCH_MIRROR."
            ) from error
        except ValueError as error:  # The hash.
            raise _changed(self.data_set, url, "it") from error


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"was silent for {TIMEOUT} s"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return f"cannot be fetched ({error})"


def _changed(data_set: DataSet, url: str, what: str) -> MissingDataError:
    return MissingDataError(
        f'"{data_set.title}": {url} came broken, or is not what was published: {what} has another SHA-256 and was '
        f"thrown away. Try again, or name a mirror by TLBENCH_MIRROR."
    )


def _unpack(archive: Path, files: Sequence[PublishedFile]) -> dict[PublishedFile, Path]:
    """Write the wanted members of a tar archive beside it; names in the archive decide no path."""
    wanted = {PurePosixPath(file.name).name: (number, file) for number, file in enumerate(files)}
    staged = {}
    try:
        with tarfile.open(archive) as members:
            for member in members:
                number, file = wanted.get(PurePosixPath(member.name).name, (0, None))
                if file is not None and (content := members.extractfile(member)) is not None:
                    staged[file] = archive.with_name(f"member-{number}")
                    with staged[file].open("wb") as stream:
                        shutil.copyfileobj(content, stream)
    except (tarfile.TarError, EOFError, OSError):
        return {}
    return staged
