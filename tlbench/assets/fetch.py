"""Published data -> the data root: what is there and whole stays, what is not is downloaded, checked and put there."""

from __future__ import annotations

import queue
import shutil
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tlbench.assets.download import Download
from tlbench.assets.registry import DataSet, PublishedFile
from tlbench.errors import UsageError

WORKERS = 6
LOOK, GRACE = 1.0, 2.0
"""Seconds between two looks at the pace of downloads, and for which they are waited for when they are to stop."""
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
        with _staging(root) as folder:
            stopped = threading.Event()
            downloads = [
                Download(data_set, found, mirrored(url, mirror), folder / str(number), root, stopped)
                for number, (url, found) in enumerate(wanted.items())
            ]
            with closing(_completed(downloads, stopped)) as counts:
                for count in counts:
                    for _ in range(count):
                        on_file()
    except OSError as error:
        raise UsageError(f'"{root}" cannot be written ({error.strerror}): name another folder.') from error


def _completed(downloads: Sequence[Download], stopped: threading.Event) -> Generator[int]:
    """Run downloads in threads; yield the number of files of each when it is done.

    A thread that waits for its server cannot be interrupted. When the caller stops it is waited for a moment, and else
    ends with the process, or with the next bytes that come.
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
            except BaseException as error:  # noqa: BLE001 - it is raised where the others are waited for
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
    """Wait for a download, and look after the others meanwhile."""
    while True:
        try:
            found = done.get(timeout=LOOK)
        except queue.Empty:
            for download in downloads:
                download.check_pace()
            continue
        if isinstance(found, BaseException):
            raise found
        return found


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
