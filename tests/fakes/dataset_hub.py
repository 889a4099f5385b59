"""A hub of data sets on 127.0.0.1: as much of it as the library asks for."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
NAME = r"(?P<name>[\w-]+/[\w-]+)"
ROUTES = {
    "file": rf"/datasets/{NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)",
    "tree": rf"/api/datasets/{NAME}/tree/(?P<revision>[^/]+)(/(?P<path>.*))?",
    "paths": rf"/api/datasets/{NAME}/paths-info/(?P<revision>[^/]+)",
    "info": rf"/api/datasets/{NAME}(/revision/(?P<revision>[^/]+))?",
}


@contextmanager
def serve_hub(
    repositories: Mapping[str, Mapping[str, bytes]], named: str = COMMIT, in_headers: bool = True
) -> Iterator[str]:
    """Serve repositories by name, files by path, all at one commit; return the address for `HF_ENDPOINT`.

    `named` is what is told of the commit, `in_headers` whether headers tell it too.
    """
    header = named if in_headers else COMMIT

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            for route, pattern in ROUTES.items():
                if found := re.fullmatch(pattern, unquote(urlsplit(self.path).path)):
                    return self.answer(route, sent=sent, **found.groupdict())
            return self.reply(404, b"")

        do_HEAD = do_POST = do_GET  # noqa: N815 - the server's names

        def answer(self, route: str, name: str, revision: str | None, sent: str, path: str | None = None) -> None:
            files = repositories.get(name)
            if files is None or revision not in (None, "main", COMMIT):
                return self.reply(404, b"", **{"X-Error-Code": "RepoNotFound" if files is None else "RevisionNotFound"})
            if route == "file":
                content = files.get(path or "")
                if content is None:
                    return self.reply(404, b"", **{"X-Error-Code": "EntryNotFound", "X-Repo-Commit": header})
                return self.reply(200, content, ETag=f'"{oid(content)}"', **{"X-Repo-Commit": header})
            listed = [{"type": "file", "path": key, "size": len(file), "oid": oid(file)} for key, file in files.items()]
            if route == "paths":
                asked = json.loads(sent) if sent.startswith("{") else parse_qs(sent)
                listed = [file for file in listed if file["path"] in asked["paths"]]
            if route == "tree":
                deep = "recursive=true" in self.path.lower()
                listed = children(listed, f"{path}/" if path else "", deep)
            info = {"id": name, "sha": named, "private": False, "tags": [], "siblings": []}
            return self.reply(200, json.dumps(info if route == "info" else listed).encode())

        def reply(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def children(files: list[dict[str, object]], folder: str, deep: bool) -> list[dict[str, object]]:
    """Return files and folders in a folder itself, or in those below it too."""
    inside = [file for file in files if str(file["path"]).startswith(folder)]
    paths = [str(file["path"]) for file in inside]
    folders = {path[:end] for path in paths for end, sign in enumerate(path) if sign == "/" and end >= len(folder)}
    found = [{"type": "directory", "path": path, "oid": oid(path.encode())} for path in sorted(folders)]
    return [entry for entry in (*found, *inside) if deep or "/" not in str(entry["path"])[len(folder) :]]


def oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
