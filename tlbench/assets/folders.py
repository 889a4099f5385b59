"""The cache folder and the data folder."""

from __future__ import annotations

import os
from pathlib import Path

from tlbench.errors import UsageError


def cache_folder() -> Path:
    """Return the folder of the stage cache: `TLBENCH_CACHE`, else the user's cache folder. Raises `UsageError`."""
    from platformdirs import user_cache_path

    chosen = os.environ.get("TLBENCH_CACHE")
    return _resolved(Path(chosen) if chosen else user_cache_path("tlbench"), "TLBENCH_CACHE")


def data_folder() -> Path | None:
    """Return the folder in `TLBENCH_DATA`, or None. Raises `UsageError` if it is not a folder."""
    chosen = os.environ.get("TLBENCH_DATA")
    if not chosen:
        return None
    folder = _resolved(Path(chosen), "TLBENCH_DATA")
    if not folder.is_dir():
        raise UsageError(
            f'TLBENCH_DATA is "{chosen}", which is not a folder: set it to the folder of the published data.'
        )
    return folder


def _resolved(path: Path, variable: str) -> Path:
    """Return an absolute path. Raises `UsageError` if there is no home folder, or if links form a loop."""
    try:
        return path.expanduser().resolve()
    except RuntimeError as error:
        raise UsageError(f'Invalid folder "{path}" ({error}): set {variable} to the path of a folder.') from error
