"""Files of pre-trained models - a local file, a local folder, the Hugging Face cache, the hub - and weights from them.

The hub is reached by huggingface_hub, which obeys `HF_HOME`, `HF_HUB_OFFLINE`, `HF_ENDPOINT` and its other variables.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.errors import BadInputError, MissingDataError
from tlbench.files import file_sha256, slug
from tlbench.plan import cache_folder
from tlbench.records import Checkpoint

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS = (".safetensors", ".pth", ".th", ".pt", ".bin")
"""Suffixes of files that `read_weights` reads."""
NESTED = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts keep the weights, beside epochs and optimisers."""


def models_folder() -> Path:
    """Return the folder of the models that `tlbench pretrain` saved by name."""
    return cache_folder() / "models"


def find(name: str, files: Mapping[str, str | Sequence[str]], optional: Collection[str] = ()) -> Checkpoint:
    """Return the files of a checkpoint, by role.

    `name` is a local file of weights (then the only one), a local folder, the name of a model that `tlbench pretrain`
    saved, or `NAME` or `NAME@REVISION` of the hub;
    `files` gives for each role the file's name, or several of which the first that is there is taken. What the Hugging
    Face cache holds is taken as it is, so that a run repeated is the same. Roles in `optional` may be lacking. Raises
    `MissingDataError`.
    """
    wanted = {role: (names,) if isinstance(names, str) else tuple(names) for role, names in files.items()}
    path = Path(name).expanduser()
    if path.is_file():
        return Checkpoint(files={"weights": path}, origin=path.name)
    if not path.is_dir() and name == slug(name):
        path = models_folder() / name
    if path.is_dir():
        return Checkpoint(files=_in_folder(path, wanted, optional), origin=path.resolve().name)
    if name.startswith((".", "~", "/")) or Path(name).is_absolute() or path.suffix in WEIGHTS:
        raise MissingDataError(f'"{name}" does not exist: check the path of the checkpoint.')
    return _in_hub(name, wanted, optional)


def _in_folder(folder: Path, wanted: Mapping[str, Sequence[str]], optional: Collection[str]) -> dict[str, Path]:
    found = {}
    for role, names in wanted.items():
        there = [folder / name for name in names if (folder / name).is_file()]
        if there:
            found[role] = there[0]
        elif role not in optional:
            raise MissingDataError(f'"{folder}" holds no {_either(names)}: put it there, or name another checkpoint.')
    return found


def _in_hub(name: str, wanted: Mapping[str, Sequence[str]], optional: Collection[str]) -> Checkpoint:
    """Return files that all come from one snapshot of a repository."""
    repository, _, revision = name.partition("@")
    found = {}
    for role, names in wanted.items():
        path = _cached(repository, revision or "main", names)
        path = path or _downloaded(repository, revision or "main", names, role in optional)
        if path is not None:
            found[role] = path
            revision = _snapshot(path)
    return Checkpoint(files=found, origin=f"{repository}@{revision[:12]}")


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
    """Download the first file that the hub has. Raises `MissingDataError` with the reason."""
    from httpx2 import HTTPError
    from huggingface_hub import constants, errors

    for name in names:
        try:
            return _download(repository, revision, name)
        except errors.RemoteEntryNotFoundError:
            reason, decided = "it has no such file", optional
        except errors.OfflineModeIsEnabled:
            reason, decided = "HF_HUB_OFFLINE is set", optional
        except errors.GatedRepoError:
            reason, decided = 'access must be asked for there, and then "hf auth login"', False
        except errors.RepositoryNotFoundError:
            reason, decided = "there is no such repository, or it is private", False
        except errors.RevisionNotFoundError:
            reason, decided = f'there is no revision "{revision}"', False
        # The hub's other errors, the network's with time-outs, and the disk's.
        except (HTTPError, OSError) as error:
            reason, decided = str(error).partition("\n")[0] or type(error).__name__, False
    if decided:
        return None
    raise MissingDataError(
        f'{_either(names)} of "{repository}" is not in the cache "{constants.HF_HUB_CACHE}" and could not be had from '
        f"{constants.ENDPOINT} ({reason}): try again with a connection, set HF_HOME or HF_ENDPOINT to where it is, or "
        f"name a local copy."
    )


def _download(repository: str, revision: str, name: str) -> Path:
    """Download one file into the Hugging Face cache; a damaged one does not stay there."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

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


def _either(names: Sequence[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name: `.safetensors`, or what `torch.save` wrote, without running its code.

    Raises `BadInputError` for a file that is damaged or holds other things than weights.
    """
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if path.suffix not in WEIGHTS:
        raise BadInputError(f'"{path}" is no file of weights: name one that ends in {", ".join(WEIGHTS)}.')
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, SafetensorError, pickle.UnpicklingError) as error:
        cause = str(error).partition("\n")[0]
        raise BadInputError(
            f'"{path}" cannot be read as weights ({cause}): fetch it again, or save tensors.'
        ) from error
    for key in NESTED:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(part, torch.Tensor) for part in content.values()):
        raise BadInputError(f'"{path}" holds other things than weights: save a state_dict alone.')
    return content


def load_into(module: nn.Module, state: Mapping[str, Tensor], where: str, without: Sequence[str] = ()) -> None:
    """Put weights into a module by name, whatever stands before them, such as `module.` or `backbone.`.

    What does not match is logged once; names that begin with one of `without` need not. `where` names the weights in
    messages. Raises `BadInputError` where nothing matches.
    """
    own = module.state_dict()
    prefix = common_prefix(state, own)
    given = {name.removeprefix(prefix): part for name, part in state.items()}
    matching = {name: part for name, part in given.items() if name in own and own[name].shape == part.shape}
    if not matching:
        raise BadInputError(
            f'No weight of "{where}" fits: the model has {_some(own)} and the file has {_some(state)}: name weights of '
            f"this architecture."
        )
    module.load_state_dict(matching, strict=False)
    left_out = {
        # Counters of batches, which old files lack, change nothing.
        "not in the file": {name for name in own.keys() - given.keys() if not name.endswith("num_batches_tracked")},
        "not in the model": {name for name in given.keys() - own.keys() if not name.startswith(tuple(without))},
        "of another shape": (given.keys() & own.keys()) - matching.keys(),
    }
    if parts := [f"{len(names)} {what} ({_some(names)})" for what, names in left_out.items() if names]:
        _log_once(f'Weights of "{where}" were left out: {"; ".join(parts)}.')


def common_prefix(state: Iterable[str], own: Collection[str]) -> str:
    """Return what stands before the names in `state`, up to three parts of them, so that most are names in `own`."""
    names = list(state)
    parts = [name.split(".") for name in names]
    prefixes = {"".join(f"{part}." for part in some[:depth]) for some in parts for depth in range(min(4, len(some)))}

    def matches(prefix: str) -> int:
        return sum(name.startswith(prefix) and name[len(prefix) :] in own for name in names)

    return max(sorted(prefixes, key=lambda prefix: (len(prefix), prefix)), key=matches, default="")


def _some(names: Iterable[str]) -> str:
    known = sorted(names)
    return ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")


@functools.cache
def _log_once(text: str) -> None:
    logging.getLogger("tlbench").warning(text)
