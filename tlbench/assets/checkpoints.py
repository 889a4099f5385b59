"""Files of pre-trained models: local, in the Hugging Face cache or on the hub."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench.assets.folders import cache_folder, data_folder
from tlbench.assets.hub import either, fetch
from tlbench.assets.registry import MODELS
from tlbench.assets.weight_files import SUFFIXES, check_suffix
from tlbench.contract.backbone_specs import Checkpoint
from tlbench.errors import BadInputError, MissingDataError
from tlbench.results.files import read_sealed, slug, stays_inside, write_sealed


def models_folder() -> Path:
    """Return the folder of the models that `tlbench pretrain` saves by name."""
    return cache_folder() / "models"


def published_folder(name: str) -> Path | None:
    """Return the folder of a model that `tlbench fetch` brings, or None without a data folder."""
    root = data_folder()
    return root / MODELS / name if root else None


def find_checkpoint(name: str, files: Mapping[str, str | Sequence[str]], optional: Collection[str] = ()) -> Checkpoint:
    """Return the files of a checkpoint, by role.

    `name` is a local weights file or folder, absolute or relative to the current folder or to `TLBENCH_DATA`; a model
    that `tlbench pretrain` or `tlbench fetch` saved under this name; or `NAME` or `NAME@REVISION` of the hub. `files`
    gives the file name of each role, or several names of which the first existing one is used. Files in the Hugging
    Face cache are used without a request to the hub, so that a repeated run gives the same result. Roles in `optional`
    may be missing.
    Raises `MissingDataError`, and `BadInputError` for a file that holds no weights or a name outside the folder.
    """
    names_by_role = {role: (names,) if isinstance(names, str) else tuple(names) for role, names in files.items()}
    for file_name in (one for names in names_by_role.values() for one in names):
        if not stays_inside(file_name):
            raise BadInputError(
                f"Invalid file name {file_name!r} in a checkpoint: it is outside the folder. Use another checkpoint."
            )
    path = _place(name)
    if path.is_file():
        if "weights" not in names_by_role:
            raise MissingDataError(
                f'"{path}" is a file: use the folder that contains {either(next(iter(names_by_role.values())))}.'
            )
        check_suffix(path)
        return Checkpoint(files={"weights": path}, origin=path.name)
    if path.is_dir():
        return Checkpoint(files=_in_folder(path, names_by_role, optional), origin=path.resolve().name)
    if path.is_absolute() or name.startswith((".", "~")) or path.name.endswith(SUFFIXES):
        where = "" if path.is_absolute() else " in the current folder or in TLBENCH_DATA"
        raise MissingDataError(f'The checkpoint "{name}" does not exist{where}: download it, or check its path.')
    return fetch(name, names_by_role, optional)


def is_local_checkpoint(name: str) -> bool:
    """Return whether a name is that of a local folder or a saved model, not of the hub."""
    return _place(name).is_dir()


def is_published_checkpoint(name: str) -> bool:
    """Return whether a name is that of a model that `tlbench fetch` brought, not of a user's own."""
    return _place(name) == published_folder(name)


def _place(name: str) -> Path:
    """Return the first that exists: the path itself, a saved model, a path in `TLBENCH_DATA`; else the path itself."""
    path, root = Path(name).expanduser(), data_folder()
    saved = [models_folder() / name, published_folder(name)] if name == slug(name) else []
    places = (path, *saved, root / path if root else None)
    return next((place for place in places if place and place.exists()), path)


def _in_folder(folder: Path, names_by_role: Mapping[str, Sequence[str]], optional: Collection[str]) -> dict[str, Path]:
    files = {}
    for role, names in names_by_role.items():
        existing = [folder / name for name in names if (folder / name).is_file()]
        if existing:
            files[role] = existing[0]
        elif role not in optional:
            raise MissingDataError(f'"{folder}" lacks {either(names)}: add the file, or use another checkpoint.')
    return files


def cached_json(what: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the JSON that `compute` returns, cached under a name that contains everything it depends on.

    For facts that a plan needs from a heavy library, such as its list of architectures.
    """
    memory = cache_folder() / "known" / f"{slug(what)}.json"
    try:
        facts = read_sealed(memory)
    except (OSError, ValueError):
        facts = dict(compute())
        # Without this memory they are computed again: slower, but no reason to stop.
        with contextlib.suppress(OSError):
            write_sealed(memory, facts)
    return facts
