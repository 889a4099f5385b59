"""Sources of published data: TOML files beside the tasks that read the data.

    title = "WNUT 17"
    folder = "ner"                                # in the data folder
    url = "https://host/owner/name/COMMIT/data/"  # prefix of the file names; contains the version
    licence = "CC BY 4.0"
    cite = "Derczynski et al., ..., W-NUT (2017)"

    [files]
    "train.conll" = "SHA-256"
    "dev.conll" = { from = "dev/emerging.conll", sha256 = "SHA-256" }  # has another name at its source

With `archive = "NAME.tar.gz"` the files are in that archive, in any folder of it. `largest = BYTES` raises the limit of
2 GiB for a download and for the content of an archive, up to 1 TiB. `pixels:SHA-256` is for an image whose pixels are
known but whose bytes are not: it is the hash of `WIDTHxHEIGHT` and the RGB pixels, row by row.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

from tlbench.errors import BadInputError, ContractError, UsageError
from tlbench.results.files import file_sha256, stays_inside

PIXELS = "pixels:"
LARGEST = 2**40
"""Maximum of `largest`, 1 TiB."""


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """A file, its URL, and the hash of its content."""

    name: str
    """Relative to the folder of the data set, with slashes."""
    url: str
    """URL of the file, or of the archive that contains it."""
    sha256: str

    @property
    def known_hash(self) -> str | None:
        """SHA-256 of the bytes, or None if only the hash of the pixels is known."""
        return None if self.sha256.startswith(PIXELS) else self.sha256

    def matches(self, path: Path) -> bool:
        """Return whether an existing file has the published content."""
        if self.known_hash is None:
            return self.sha256 == PIXELS + pixels_sha256(path)
        return file_sha256(path) == self.sha256


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """Published files with their licence and citation."""

    title: str
    folder: str
    url: str
    licence: str
    cite: str
    files: tuple[PublishedFile, ...]
    archive: str = ""
    largest: int = 2**31
    """Maximum number of bytes of a download, and of the content of an archive."""


def read_origin(path: Path) -> DataSet:
    """Read a TOML file as described above. Raises `ContractError` if it is invalid."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        address = urljoin(content["url"], quote(content.get("archive", "")))
        listed = content.pop("files").items()
        files = tuple(_file(name, entry, address, in_archive="archive" in content) for name, entry in listed)
        _check_name(content["folder"])
        if not 0 < int(content.get("largest", 1)) <= LARGEST:
            raise ValueError(f"`largest` is a number of bytes up to {LARGEST:,}")
        return DataSet(**content, files=files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ContractError(
            f'Invalid description of published data "{path}" ({error!r}): see tlbench.assets.registry.'
        ) from error


def _file(name: str, entry: str | Mapping[str, Any], address: str, in_archive: bool) -> PublishedFile:
    _check_name(name)
    fields = {"from": name, "sha256": entry} if isinstance(entry, str) else entry
    url = address if in_archive else urljoin(address, quote(fields["from"]))
    if not isinstance(fields["sha256"], str):
        raise TypeError(f"the hash of {name!r} is no text")
    return PublishedFile(name=name, url=url, sha256=fields["sha256"])


def _check_name(name: str) -> None:
    if not stays_inside(name):
        raise ValueError(f"invalid file name {name!r}")


def pixels_sha256(path: Path) -> str:
    """Return the hash of an image's size and RGB pixels, or an empty string if the file is not an image."""
    from tlbench.assets.readers.images import open_image

    try:
        from PIL import Image
    except ImportError as error:
        raise UsageError(f'To verify "{path.name}", Pillow is required: pip install "tlbench[vision]".') from error
    try:
        with open_image(path) as image:
            pixels = image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, BadInputError):
        return ""
    return hashlib.sha256(f"{pixels.width}x{pixels.height}".encode() + pixels.tobytes()).hexdigest()
