"""Sound files that are shorter than their headers say: libsndfile reads them silently."""

from __future__ import annotations

import re
from pathlib import Path

UNKNOWN = 0xFFFFFFFF
"""A size that was not known when the header was written: by a program that cannot seek back, or beyond 4 GiB."""
OGG_PAGE, OGG_END = 65_307, 4
"""Largest size of a page in bytes, and the flag of a stream's last page."""
SHORT = 0.95
"""Part of the declared samples below which a recording ends early. Lengths of MP3 files may be estimates."""


def is_truncated(path: Path) -> bool:
    """Return whether a WAV, AIFF, AU, W64, RF64 or NIST file is shorter than its header says."""
    with path.open("rb") as stream:
        head = stream.read(1024)
    return _declared_size(head) > path.stat().st_size


def _declared_size(head: bytes) -> int:
    """Return the size of a file in bytes that its header gives, or 0."""
    if head[:4] in (b"RIFF", b"FORM"):
        size = int.from_bytes(head[4:8], "little" if head[:4] == b"RIFF" else "big")
        return size + 8 if size != UNKNOWN else 0
    if head[:4] == b".snd":
        offset, size = int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
        return offset + size if size != UNKNOWN else 0
    if head[:4] == b"riff":
        return int.from_bytes(head[16:24], "little")
    if head[:4] == b"RF64" and head[12:16] == b"ds64":
        return int.from_bytes(head[20:28], "little") + 8
    return _declared_by_nist(head) if head.startswith(b"NIST_1A") else 0


def _declared_by_nist(head: bytes) -> int:
    counts = dict(re.findall(rb"(sample_count|sample_n_bytes|channel_count) -i (\d{1,9})", head))
    start = re.match(rb"NIST_1A\s+(\d{1,9})\s", head)
    if start is None or len(counts) < 3:
        return 0
    samples, width, channels = (int(counts[name]) for name in (b"sample_count", b"sample_n_bytes", b"channel_count"))
    return int(start[1]) + samples * width * channels


def may_be_truncated(path: Path, declared: int, samples: int) -> bool:
    """Return whether fewer samples were read than declared, as of MP3 files, or the last page of an Ogg file lacks."""
    if samples < SHORT * declared:
        return True
    with path.open("rb") as stream:
        if stream.read(4) != b"OggS":
            return False
        stream.seek(max(0, path.stat().st_size - OGG_PAGE))
        last = stream.read().rpartition(b"OggS")[2]
    return len(last) > 1 and not last[1] & OGG_END
