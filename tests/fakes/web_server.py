"""A web server on 127.0.0.1 for what would come from elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Site:
    """What a server answers, and what it was asked."""

    address: str
    files: Mapping[str, Path | bytes]
    """By path."""
    statuses: dict[str, int] = field(default_factory=dict)
    """What to answer once in place of a file."""
    silence: float = 0.0
    """Seconds until an answer."""
    cut: int = 0
    """Bytes that are left out at the end of every file."""
    drip: float = 0.0
    """Seconds after every byte."""
    endless: bool = False
    """Whether zeros go on after every file, whose length is not said."""
    asked: list[str] = field(default_factory=list)

    def content(self, path: str) -> bytes:
        found = self.files[path]
        return found if isinstance(found, bytes) else found.read_bytes()


@contextmanager
def serve(files: Mapping[str, Path | bytes]) -> Iterator[Site]:
    """Serve files by path, as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            site.asked.append(path)
            time.sleep(site.silence)
            status = site.statuses.pop(path, 200 if path in site.files else 404)
            body = site.content(path) if status == 200 else b""
            self.send_response(status)
            self.send_header(*("Connection", "close") if site.endless else ("Content-Length", str(len(body))))
            self.end_headers()
            self.close_connection = bool(site.cut) or site.endless
            for place in range(len(body)) if site.drip else ():
                self.wfile.write(body[place : place + 1])
                time.sleep(site.drip)
            if not site.drip:
                self.wfile.write(body[: len(body) - site.cut] if site.cut else body)
            while site.endless:
                self.wfile.write(bytes(2**16))

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *words: object) -> None:
            """A client that hangs up is nothing to report."""

    server = Server(("127.0.0.1", 0), Handler)
    site = Site(f"http://127.0.0.1:{server.server_port}", files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
