"""One address -> files in their places, within limits of size, pace and time."""

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
"""Seconds that a server may be silent."""
CHUNK, PERIOD = 2**16, 60.0
"""Bytes that must come in each period of so many seconds: about 1 kB/s."""
LONGEST = 6 * 3600.0
"""Seconds that one download may take."""
RETRIES = 2


class _StoppedError(Exception):
    """Nobody waits for this download any more."""


@dataclass(eq=False)
class Download:
    """One address; also the file that what it answers is written to, which sees how much comes, and when."""

    data_set: DataSet
    files: Sequence[PublishedFile]
    url: str
    folder: Path
    """An own one, for what is not checked yet."""
    root: Path
    stopped: threading.Event
    """Set when nobody waits for it any more."""
    started: float = 0.0
    latest: float | None = None
    """When the latest bytes came, while it is under way."""
    received: int = 0

    def __call__(self) -> int:
        """Download the address and put what it holds in place; return the number of files."""
        archive = bool(self.data_set.archive)
        downloaded = self._bring(None if archive else self.files[0].known_hash)
        staged = self._unpacked(downloaded) if archive else {self.files[0]: downloaded}
        for file in self.files:
            if not file.matches(staged[file]):
                raise self._changed(f'"{file.name}"')
            place = self.root / self.data_set.folder / file.name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged[file], place)
        return len(self.files)

    def _bring(self, known_hash: str | None) -> Path:
        import pooch
        import requests

        pooch.get_logger().setLevel("WARNING")
        name = "downloaded"  # The address decides no path.
        store = pooch.create(
            path=self.folder, base_url="", registry={name: known_hash}, urls={name: self.url}, retry_if_failed=RETRIES
        )
        try:
            return Path(store.fetch(name, downloader=self._download))
        except requests.RequestException as error:
            raise self._unavailable(_reason(error)) from error
        except ValueError as error:  # The hash.
            raise self._changed("it") from error
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
        """Note bytes that came. Raises `MissingDataError` for too many."""
        if self.stopped.is_set():
            raise _StoppedError
        self.received, self.latest = self.received + size, time.monotonic()
        if self.received > self.data_set.largest:
            raise self._unavailable(f"sends more than {self.data_set.largest:,} bytes")

    def check_pace(self) -> None:
        """Raise `MissingDataError` if it is under way and hardly anything comes."""
        latest, now = self.latest, time.monotonic()
        if latest is not None and now - latest > PERIOD:
            raise self._unavailable(f"sent less than {CHUNK >> 10} KiB in {PERIOD:g} s")
        if latest is not None and now - self.started > LONGEST:
            raise self._unavailable(f"has not sent everything in {LONGEST:g} s")

    def _unpacked(self, archive: Path) -> dict[PublishedFile, Path]:
        try:
            return unpack(archive, self.files, self.data_set.largest)
        except ArchiveError as error:
            raise self._unavailable(f"came broken, or is not what was published: {error}") from error

    def _unavailable(self, why: str) -> MissingDataError:
        return MissingDataError(
            f'"{self.data_set.title}": {self.url} {why}. What has come is kept: the same command goes on from there; a '
            f"mirror can be named by TLBENCH_MIRROR."
        )

    def _changed(self, what: str) -> MissingDataError:
        return MissingDataError(
            f'"{self.data_set.title}": {self.url} came broken, or is not what was published: {what} has another '
            f"SHA-256 and was thrown away. Try again, or name a mirror by TLBENCH_MIRROR."
        )


@dataclass(frozen=True)
class _Counted:
    """A file that tells a download what is written to it."""

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
        # Its own words for it may be anything.
        status = error.response.status_code
        return f"answers {status} {responses.get(status, '')}".rstrip()
    if isinstance(error, requests.Timeout):
        return f"was silent for {TIMEOUT} s"
    if isinstance(error, requests.ConnectionError):
        return "cannot be reached"
    return f"cannot be fetched ({error})"
