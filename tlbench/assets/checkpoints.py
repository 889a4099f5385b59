"""Files of pre-trained models - local, in the Hugging Face cache, on the hub."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench.assets.folders import cache_folder, data_folder
from tlbench.assets.hub import either, fetch
from tlbench.assets.weight_files import SUFFIXES, check_suffix
from tlbench.contract.specs import Checkpoint
from tlbench.errors import BadInputError, MissingDataError
from tlbench.results.files import read_sealed, slug, stays_inside, write_sealed


def models_folder() -> Path:
    """Return the folder of the models that `tlbench pretrain` saves by name."""
    return cache_folder() / "models"


def find_checkpoint(name: str, files: Mapping[str, str | Sequence[str]], optional: Collection[str] = ()) -> Checkpoint:
    """Return the files of a checkpoint, by role.

    `name` is a local file of weights (then the only one) or a local folder, either also below `TLBENCH_DATA`, a model
    that `tlbench pretrain` saved by this name, or `NAME` or `NAME@REVISION` of the hub. `files` gives for each role the
    file's name, or several of which the first that is there is taken. What the Hugging Face cache holds is taken as it
    is, so that a run repeated is the same. Roles in `optional` may be lacking. Raises `MissingDataError`, and
    `BadInputError` for a file that is none of weights, or a file's name that leads out of the folder.
    """
    wanted = {role: (names,) if isinstance(names, str) else tuple(names) for role, names in files.items()}
    for name_of_file in (one for names in wanted.values() for one in names):
        if not stays_inside(name_of_file):
            raise BadInputError(f"{name_of_file!r} is no name of a file in a checkpoint: take another checkpoint.")
    path = _place(name)
    if path.is_file():
        if "weights" not in wanted:
            raise MissingDataError(
                f'"{path}" is a file: name the folder that holds {either(next(iter(wanted.values())))}.'
            )
        check_suffix(path)
        return Checkpoint(files={"weights": path}, origin=path.name)
    if path.is_dir():
        return Checkpoint(files=_in_folder(path, wanted, optional), origin=path.resolve().name)
    if path.is_absolute() or name.startswith((".", "~")) or path.name.endswith(SUFFIXES):
        where = "" if path.is_absolute() else ", here or below TLBENCH_DATA"
        raise MissingDataError(f'The checkpoint "{name}" does not exist{where}: fetch it, or check its path.')
    return fetch(name, wanted, optional)


def is_local_checkpoint(name: str) -> bool:
    """Return whether a name is that of a local folder or of a saved model, and nothing of a hub."""
    return _place(name).is_dir()


def _place(name: str) -> Path:
    """Return the first place where something is: the path itself, saved models, `TLBENCH_DATA`; else the path."""
    path, root = Path(name).expanduser(), data_folder()
    saved = [models_folder() / name] if name == slug(name) else []
    return next((place for place in (path, *saved, *([root / path] if root else [])) if place.exists()), path)


def _in_folder(folder: Path, wanted: Mapping[str, Sequence[str]], optional: Collection[str]) -> dict[str, Path]:
    found = {}
    for role, names in wanted.items():
        there = [folder / name for name in names if (folder / name).is_file()]
        if there:
            found[role] = there[0]
        elif role not in optional:
            raise MissingDataError(f'"{folder}" holds no {either(names)}: put it there, or name another checkpoint.')
    return found


def cached_json(what: str, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the JSON that `compute` returns, kept in the cache folder under a name that says all it depends on.

    For what a plan asks of a heavy library, such as the architectures that it knows in a version.
    """
    memory = cache_folder() / "known" / f"{slug(what)}.json"
    try:
        known = read_sealed(memory)
    except (OSError, ValueError):
        known = dict(compute())
        write_sealed(memory, known)
    return known
