"""The HTTP client of huggingface_hub, with checks against responses that write outside the cache or never end.

The library builds paths from parts of a response: an ETag, a commit and the `sha` of a data set.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from httpx2 import Response, SyncByteStream

FILE_NAME = re.compile(r"[\w+=:-][\w.+=:-]*", re.ASCII)
UNSAID = 2**30
"""Maximum number of bytes of a response without Content-Length."""
LARGEST = 2**36
"""Maximum number of bytes of a file, 64 GiB: the parts of published models are smaller."""
LEAST, PERIOD = 2**16, 60.0
"""Minimum number of bytes in each period, in seconds; a slower download would take days."""


class HubAnswerError(OSError):
    """The response of a hub is invalid."""


@functools.cache
def guard() -> None:
    """Make huggingface_hub, and the libraries that download with it, raise `HubAnswerError` for such responses."""
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    def factory() -> httpx2.Client:
        client = default_client_factory()
        hooks = client.event_hooks
        client.event_hooks = {**hooks, "response": [*hooks["response"], check]}
        return client

    set_client_factory(factory)


def check(response: Response) -> None:
    """Check the names and sizes in the headers of a response, and its body while it is read.

    Raises `HubAnswerError` before anything is written.
    """
    response.stream = Watched(response)
    headers = response.headers
    _check_name("commit", headers.get("X-Repo-Commit"))
    for said in (headers.get("X-Linked-Size"), headers.get("Content-Length")):
        if said and int(said) > LARGEST:
            raise HubAnswerError(f"the file has {int(said):,} bytes; the limit is {LARGEST:,}")
    if response.request.method == "HEAD":  # In other responses, such as those of a mirror, the tag is not a file name.
        _check_name("ETag", (headers.get("X-Linked-ETag") or headers.get("ETag") or "").lstrip("W/").strip('"'))
    if response.is_success and "/api/" in response.request.url.path:
        _check_name("commit", _sha(response))


def _sha(response: Response) -> str:
    response.read()
    try:
        content = response.json()
    except ValueError:
        return ""
    return str(content.get("sha") or "") if isinstance(content, dict) else ""


def _check_name(what: str, name: str | None) -> None:
    if name and not FILE_NAME.fullmatch(name):
        raise HubAnswerError(f"invalid {what} {name!r}: it is outside the cache")


class Watched(httpx2.SyncByteStream):
    """The body of a response. Reading it raises an error if it is too long or too slow."""

    def __init__(self, response: Response) -> None:
        assert isinstance(response.stream, httpx2.SyncByteStream)
        self.body: SyncByteStream = response.stream
        self.limited = "Content-Length" not in response.headers

    def __iter__(self) -> Iterator[bytes]:
        received = before = 0
        since = time.monotonic()
        for chunk in self.body:
            received += len(chunk)
            if self.limited and received > UNSAID:
                raise HubAnswerError(f"it sent more than {UNSAID >> 20} MiB without Content-Length")
            if time.monotonic() - since > PERIOD:
                if received - before < LEAST:
                    raise HubAnswerError(f"it sent {received - before} bytes in {PERIOD:.0f} s")
                before, since = received, time.monotonic()
            yield chunk

    def close(self) -> None:
        self.body.close()
