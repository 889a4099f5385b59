"""Published models in a format that no backbone reads -> files that one does.

`convert = "MODULE:FUNCTION"` in the description of a model names a function of its plugin. It is called as
`function(source, folder)`, reads the verified files in `source`, and writes into the empty folder. It raises
`BadInputError` if a weight is left over or lacking, and never runs code of the files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tlbench.assets.fetch import staging
from tlbench.assets.registry import SOURCE, DataSet
from tlbench.contract.deferred import deferred
from tlbench.errors import UsageError
from tlbench.results.files import file_sha256, read_sealed, write_sealed

RECORD = "converted.json"
"""Hashes of the files before and after conversion."""


def is_converted(data_set: DataSet, root: Path) -> bool:
    """Return whether the converted files are there, whole, and made of the files that are published now."""
    folder = root / data_set.folder
    try:
        record = read_sealed(folder / RECORD)
        whole = all(file_sha256(folder / name) == sha256 for name, sha256 in record["files"].items())
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return False
    return whole and record["sources"] == _sources(data_set)


def convert(data_set: DataSet, root: Path) -> None:
    """Convert the files of a model. Raises `UsageError` if a library is missing or the folder is not writable."""
    folder = root / data_set.folder
    module, _, function = data_set.convert.partition(":")
    try:
        with staging(root) as draft:
            deferred(module, function)(folder / SOURCE, draft)
            hashes = {path.name: file_sha256(path) for path in sorted(draft.iterdir())}
            for name in hashes:
                (draft / name).chmod(0o644)  # Some libraries write files that only their owner can read.
            (folder / RECORD).unlink(missing_ok=True)
            for name in hashes:
                os.replace(draft / name, folder / name)
            write_sealed(folder / RECORD, {"sources": _sources(data_set), "files": hashes})
    except ImportError as error:  # Also of a version that is too old.
        raise UsageError(
            f'"{data_set.title}" was downloaded but not converted ({error}): install what is missing, such as with '
            f"pip install -U {error.name or 'LIBRARY'}, and run the same command."
        ) from error
    except OSError as error:
        raise UsageError(f'"{folder}" is not writable ({error.strerror or error}): use another folder.') from error


def _sources(data_set: DataSet) -> dict[str, Any]:
    return {file.name: file.sha256 for file in data_set.files}
