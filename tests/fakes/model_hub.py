"""A small stand-in for the Hugging Face hub, on 127.0.0.1: what its clients ask for files, and no more."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """One repository, and what goes wrong with files of it."""

    repository: str
    files: Mapping[str, bytes]
    truncated: tuple[str, ...] = ()
    swapped: tuple[str, ...] = ()
    """Files whose content is of the right size, and another."""
    silent: tuple[str, ...] = ()
    """Files that nothing is answered about for some seconds."""
    tag: str = ""
    """What is named as every ETag, from the second question after a file."""
    commit: str = COMMIT
    length: int | None = None
    """What is said to be the length of every file."""
    asked: list[str] = field(default_factory=list)
    """`METHOD FILE` of all requests."""
    endpoint: str = ""


@contextmanager
def serve(hub: Hub) -> Iterator[Hub]:
    """Serve a hub until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            repository, _, rest = self.path.lstrip("/").partition("/resolve/")
            name = rest.partition("/")[2]
            hub.asked.append(f"{self.command} {name}")
            if repository != hub.repository or name not in hub.files:
                code = "EntryNotFound" if repository == hub.repository else "RepoNotFound"
                return self.say(404, {"X-Error-Code": code, "X-Repo-Commit": hub.commit, "Content-Length": "0"}, b"")
            if name in hub.silent:
                time.sleep(4)
            content = hub.files[name]
            again = hub.asked.count(f"{self.command} {name}") > 1
            headers = {
                "ETag": f'"{hub.tag if hub.tag and again else hashlib.sha256(content).hexdigest()}"',
                "X-Repo-Commit": hub.commit,
                "Content-Length": str(len(content) if hub.length is None else hub.length),
            }
            body = content[::-1] if name in hub.swapped else content
            return self.say(200, headers, body[: len(body) // 2] if name in hub.truncated else body)

        def say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
