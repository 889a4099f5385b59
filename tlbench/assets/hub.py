"""Files of the Hugging Face hub, from its cache or downloaded and verified.

huggingface_hub does the work and reads `HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` and its other variables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from tlbench.contract.backbone_specs import Checkpoint
from tlbench.errors import MissingDataError
from tlbench.results.files import file_sha256


def fetch(name: str, names_by_role: Mapping[str, Sequence[str]], optional: Collection[str]) -> Checkpoint:
    """Return files of one snapshot of `NAME` or `NAME@REVISION`. Raises `MissingDataError`."""
    repository, _, revision = name.partition("@")
    files = {}
    for role, names in names_by_role.items():
        path = _cached(repository, revision or "main", names)
        path = path or _downloaded(repository, revision or "main", names, role in optional)
        if path is not None:
            files[role] = path
            revision = _snapshot(path)
    return Checkpoint(files=files, origin=f"{repository}@{revision}")


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
                f'Invalid checkpoint "{repository}": it is not a file, a folder or a name of the hub. Check the name.'
            ) from error
        if isinstance(path, str):
            return Path(path)
    return None


def _downloaded(repository: str, revision: str, names: Sequence[str], optional: bool) -> Path | None:
    """Download the first file that exists on the hub. Any other error than a missing file ends the search.

    Raises `MissingDataError` with the reason.
    """
    from httpx2 import HTTPError
    from huggingface_hub import constants, errors

    for name in names:
        try:
            return _download(repository, revision, name)
        except errors.RemoteEntryNotFoundError:
            reason, skip = "the file does not exist", optional
            continue
        except errors.OfflineModeIsEnabled:
            reason, skip = "HF_HUB_OFFLINE is set", optional
        except errors.GatedRepoError:
            reason, skip = "the repository is gated: request access, then run hf auth login", False
        except errors.RepositoryNotFoundError:
            reason, skip = "the repository does not exist or is private", False
        except errors.RevisionNotFoundError:
            reason, skip = f'the revision "{revision}" does not exist', False
        # Other errors of the hub, of the network with time-outs, of the disk, and answers that make no sense.
        except (HTTPError, OSError, ValueError) as error:
            reason, skip = str(error).partition("\n")[0] or type(error).__name__, False
        break
    if skip:
        return None
    raise MissingDataError(
        f'{either(names)} of "{repository}" is not in the cache "{constants.HF_HUB_CACHE}" and could not be downloaded '
        f"from {constants.ENDPOINT} ({reason}): check the network, HF_HOME and HF_ENDPOINT, or use a local copy."
    )


def _download(repository: str, revision: str, name: str) -> Path:
    """Download one file into the Hugging Face cache; a damaged file is deleted."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    from tlbench.assets.hub_client import guard

    guard()
    # This request comes first: hf_hub_download waits for minutes if the hub does not answer.
    metadata = get_hf_file_metadata(hf_hub_url(repository, name, revision=revision))
    path = Path(hf_hub_download(repository, name, revision=revision))
    # The library compares only sizes.
    if not _is_whole(path, metadata.etag or ""):
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise OSError("checksum mismatch")
    return path


def _is_whole(path: Path, tag: str) -> bool:
    """Return whether a file matches its tag, a SHA-256 or a git object name; other tags are not checked."""
    if len(tag) == 64:
        return file_sha256(path) == tag
    if len(tag) == 40:
        content = path.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == tag
    return True


def either(names: Sequence[str]) -> str:
    """Return file names for a message."""
    return " or ".join(f'"{name}"' for name in names)
