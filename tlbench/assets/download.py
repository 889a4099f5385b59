"""One URL -> verified files in the data folder, with limits on size, speed and time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import responses
from pathlib import Path
from typing import BinaryIO

from tlbench.assets.registry import DataSet, PublishedFile
from tlbench.assets.unpack import ArchiveError, unpack
from tlbench.errors import MissingDataError

TIMEOUT = 30
"""Seconds without data after which a request fails."""
CHUNK, PERIOD = 2**16, 60.0
"""Minimum number of bytes in each period, in seconds: about 1 kB/s."""
LONGEST = 6 * 3600.0
"""Maximum duration of a download in seconds."""
RETRIES = 2


class _StoppedError(Exception):
    """The download was cancelled."""


@dataclass(eq=False)
class Download:
    """The download of one URL, with its progress."""

    data_set: DataSet
    files: Sequence[PublishedFile]
    url: str
    folder: Path
    """A folder of its own, for files that are not verified yet."""
    root: Path
    stopped: threading.Event
    """Set to cancel the download."""
    started: float = 0.0
    latest: float | None = None
    """Time of the latest bytes while the download is in progress."""
    received: int = 0

    def __call__(self) -> int:
        """Download the URL, move its files to their paths and return their number."""
        archive = bool(self.data_set.archive)
        downloaded = self._bring(None if archive else self.files[0].known_hash)
        staged = self._unpacked(downloaded) if archive else {self.files[0]: downloaded}
        for file in self.files:
            if not install(file, staged[file], self.root / self.data_set.folder):
                raise self._mismatch(f'"{file.name}"')
        return len(self.files)

    def _bring(self, known_hash: str | None) -> Path:
        import pooch
        import requests

        pooch.get_logger().setLevel("WARNING")
        name = "downloaded"  # The URL must not determine a path.
        store = pooch.create(
            path=self.folder, base_url="", registry={name: known_hash}, urls={name: self.url}, retry_if_failed=RETRIES
        )
        try:
            return Path(store.fetch(name, downloader=self._download))
        except requests.RequestException as error:
            raise self._unavailable(_reason(error)) from error
        except ValueError as error:  # The hash.
            raise self._mismatch("the file") from error
        finally:
            self.latest = None

    def _download(self, url: str, path: str, store: object) -> None:
        import pooch

        self.started = self.latest = time.monotonic()
        self.received = 0
        self.count(0)
        with open(path, "wb") as stream:
            http = pooch.HTTPDownloader(timeout=TIMEOUT, chunk_size=CHUNK)
            http(url, _Counted(self, stream), store)

    def count(self, size: int) -> None:
        """Record received bytes. Raises `MissingDataError` if there are too many."""
        if self.stopped.is_set():
            raise _StoppedError
        self.received, self.latest = self.received + size, time.monotonic()
        if self.received > self.data_set.largest:
            raise self._unavailable(f"sent more than {self.data_set.largest:,} bytes")

    def check_pace(self) -> None:
        """Raise `MissingDataError` if the download is too slow or takes too long."""
        latest, now = self.latest, time.monotonic()
        if latest is not None and now - latest > PERIOD:
            raise self._unavailable(f"sent less than {CHUNK >> 10} KiB in {PERIOD:g} s")
        if latest is not None and now - self.started > LONGEST:
            raise self._unavailable(f"did not send the whole file in {LONGEST:g} s")

    def _unpacked(self, archive: Path) -> dict[PublishedFile, Path]:
        try:
            return unpack(archive, self.files, self.data_set.largest)
        except ArchiveError as error:
            raise self._unavailable(f"sent a damaged or different archive: {error}") from error

    def _unavailable(self, why: str) -> MissingDataError:
        return MissingDataError(
            f'Download of "{self.data_set.title}" failed: {self.url} {why}. Finished files are kept: run the same '
            f"command to continue, or set TLBENCH_MIRROR to a mirror."
        )

    def _mismatch(self, what: str) -> MissingDataError:
        return MissingDataError(
            f'Download of "{self.data_set.title}" failed: SHA-256 checksum mismatch of {what} from {self.url}. The '
            f"file was deleted: try again, or set TLBENCH_MIRROR to a mirror."
        )


def install(file: PublishedFile, staged: Path, folder: Path) -> bool:
    """Move a file to its path in the folder of its data set. Return False if its content is not the published one."""
    if not file.matches(staged):
        return False
    place = folder / file.name
    place.parent.mkdir(parents=True, exist_ok=True)
    os.replace(staged, place)
    return True


@dataclass(frozen=True)
class _Counted:
    """A file that reports written bytes to its download."""

    download: Download
    stream: BinaryIO

    def write(self, chunk: bytes) -> None:
        self.download.count(len(chunk))
        self.stream.write(chunk)

    def flush(self) -> None:
        self.stream.flush()


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        # The server's own words for it may be anything.
        status = error.response.status_code
        return f"returned HTTP {status} {responses.get(status, '')}".rstrip()
    if isinstance(error, requests.Timeout):
        return f"sent nothing for {TIMEOUT} s"
    if isinstance(error, requests.ConnectionError):
        return "is not reachable"
    return f"cannot be downloaded ({error})"
