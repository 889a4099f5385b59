"""The encoding of a text file: UTF-8, or what a byte order mark says."""

from __future__ import annotations

import codecs
import shlex
from pathlib import Path

from tlbench.contract.faults import Faults
from tlbench.errors import BadInputError

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""The longer of two marks that begin alike comes first."""
USUAL, WESTERN = "utf-8-sig", "cp1252"
CHUNK = 2**20


def find_encoding(path: Path, faults: Faults) -> str:
    """Return the name of a file's encoding, which holds for the whole file unless it is `WESTERN`.

    A file that is not UTF-8 and has no mark is a fault. If faults are collected, the answer is then `WESTERN`, so that
    the rest of the file can be examined. Raises `BadInputError` for a file with null bytes.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as stream:
        start = stream.read(4)
        for mark, name in MARKS.items():
            if start.startswith(mark) and name != USUAL:
                return name
        stream.seek(0)
        while True:
            chunk = stream.read(CHUNK)
            known = decoder.getstate()[0] + chunk
            if b"\0" in chunk:
                raise BadInputError(f'"{path}" contains null bytes: it is not text, or UTF-16. Save it as UTF-8.')
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                faults.refuse(_advice(path, line + known.count(b"\n", 0, error.start), known[error.start :]))
                return WESTERN
            if not chunk:
                return USUAL
            line += chunk.count(b"\n")


def _advice(path: Path, line: int, rest: bytes) -> str:
    character = rest[:1].decode(WESTERN, "replace")
    western = f', which is "{character}" in Windows-1252' if character.isprintable() and character != "\ufffd" else ""
    command = f"iconv -f WINDOWS-1252 -t UTF-8 {shlex.quote(str(path))} > NEW{path.suffix}"
    how = f"save it as UTF-8, for example with: {command}" if western else "save it as UTF-8"
    return f'"{path}" is not UTF-8: line {line} has the byte 0x{rest[0]:02X}{western}. Expected UTF-8: {how}'
