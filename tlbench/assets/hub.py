"""Files of the Hugging Face hub, in its cache or downloaded into it and checked there.

huggingface_hub does the work and obeys `HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` and its other variables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from tlbench.contract.specs import Checkpoint
from tlbench.errors import MissingDataError
from tlbench.results.files import file_sha256


def fetch(name: str, wanted: Mapping[str, Sequence[str]], optional: Collection[str]) -> Checkpoint:
    """Return files that all come from one snapshot of `NAME` or `NAME@REVISION`. Raises `MissingDataError`."""
    repository, _, revision = name.partition("@")
    found = {}
    for role, names in wanted.items():
        path = _cached(repository, revision or "main", names)
        path = path or _downloaded(repository, revision or "main", names, role in optional)
        if path is not None:
            found[role] = path
            revision = _snapshot(path)
    return Checkpoint(files=found, origin=f"{repository}@{revision}")


def _snapshot(path: Path) -> str:
    """Return the commit of a file `snapshots/COMMIT/NAME` of the Hugging Face cache."""
    parts = path.parts
    return parts[len(parts) - parts[::-1].index("snapshots")]


def _cached(repository: str, revision: str, names: Iterable[str]) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for name in names:
        try:
            path = try_to_load_from_cache(repository, name, revision=revision)
        except HFValidationError as error:
            raise MissingDataError(
                f'"{repository}" is neither a file or folder nor a name of the hub: check the name of the checkpoint.'
            ) from error
        if isinstance(path, str):
            return Path(path)
    return None


def _downloaded(repository: str, revision: str, names: Sequence[str], optional: bool) -> Path | None:
    """Download the first file that the hub has; only one that it has not sends us to the next.

    Raises `MissingDataError` with the reason.
    """
    from httpx2 import HTTPError
    from huggingface_hub import constants, errors

    for name in names:
        try:
            return _download(repository, revision, name)
        except errors.RemoteEntryNotFoundError:
            reason, decided = "it has no such file", optional
            continue
        except errors.OfflineModeIsEnabled:
            reason, decided = "HF_HUB_OFFLINE is set", optional
        except errors.GatedRepoError:
            reason, decided = 'access must be asked for there, and then "hf auth login"', False
        except errors.RepositoryNotFoundError:
            reason, decided = "there is no such repository, or it is private", False
        except errors.RevisionNotFoundError:
            reason, decided = f'there is no revision "{revision}"', False
        # The hub's other errors, the network's with time-outs, the disk's, and those for answers that make no sense.
        except (HTTPError, OSError, ValueError) as error:
            reason, decided = str(error).partition("\n")[0] or type(error).__name__, False
        break
    if decided:
        return None
    raise MissingDataError(
        f'{either(names)} of "{repository}" is not in the cache "{constants.HF_HUB_CACHE}" and could not be had from '
        f"{constants.ENDPOINT} ({reason}): try again with a connection, set HF_HOME or HF_ENDPOINT to where it is, or "
        f"name a local copy."
    )


def _download(repository: str, revision: str, name: str) -> Path:
    """Download one file into the Hugging Face cache; a damaged one does not stay there."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    from tlbench.assets.hub_client import guard

    guard()
    # Asked first by ourselves: hf_hub_download would wait for minutes for a hub that does not answer.
    known = get_hf_file_metadata(hf_hub_url(repository, name, revision=revision))
    path = Path(hf_hub_download(repository, name, revision=revision))
    # The library compares sizes alone.
    if not _is_whole(path, known.etag or ""):
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise OSError("what arrived is damaged: its hash is not the one that the hub names")
    return path


def _is_whole(path: Path, tag: str) -> bool:
    """Return whether a file is what its tag says: its sha256, or its name in git; other tags say nothing."""
    if len(tag) == 64:
        return file_sha256(path) == tag
    if len(tag) == 40:
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == tag
    return True


def either(names: Sequence[str]) -> str:
    """Return names of files for a message."""
    return " or ".join(f'"{name}"' for name in names)
