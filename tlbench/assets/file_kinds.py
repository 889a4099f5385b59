"""What a file is that was taken for another one: failed downloads and formats that are not read."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tlbench.errors import BadInputError

BEGINNINGS = {
    b"version https://git-lfs": (
        "a pointer of Git LFS, not the file itself",
        "run `git lfs pull`, or download the file",
    ),
    b"<!doctype": (
        "an HTML page: a download that failed",
        "download the file itself, logged in if the site asks for it",
    ),
    b"<html": ("an HTML page: a download that failed", "download the file itself, logged in if the site asks for it"),
    b"<?xml": ("an XML page: a download that failed", "download the file itself, logged in if the site asks for it"),
    b"gguf": ("a GGUF file, whose weights are quantised", "use the original model, with model.safetensors"),
    b"\x89hdf\r\n": ("an HDF5 file, as Keras writes it", "use weights of torch: .safetensors or a state_dict"),
    b"\x1f\x8b": ("compressed with gzip", "unpack it"),
}
"""How files begin, in lower case; what they are; what to do."""
ARCHIVE = b"PK\x03\x04"


def check_kind(path: Path) -> None:
    """Raise `BadInputError` for a file that is empty or truncated, or of a kind in `BEGINNINGS`, and say what it is."""
    with path.open("rb") as stream:
        start = stream.read(64)
    if not start:
        raise BadInputError(f'"{path}" is empty: download it again.')
    for beginning, (what, advice) in BEGINNINGS.items():
        if start.lstrip().lower().startswith(beginning):
            raise BadInputError(f'"{path}" is {what}: {advice}.')
    if start.startswith(ARCHIVE) and not zipfile.is_zipfile(path):
        raise BadInputError(f'"{path}" is truncated: its end is missing. Download it again.')


def is_script(path: Path) -> bool:
    """Return whether a file is a TorchScript archive, which holds code."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())
