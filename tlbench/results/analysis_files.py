"""The pictures of the analyses of a row."""

from __future__ import annotations

import glob
from pathlib import Path

from tlbench.results.files import slug
from tlbench.results.row import Row


def picture_paths(row: Row, board: Path, label: str) -> list[Path]:
    """Return the files on a board that may be the picture of an analysis of a row, by the label that the row has.

    With other options than the default, the file's name ends in their hash, which the row does not hold.
    """
    name, _, options = label.partition(" (")
    exact = board / "analyses" / f"{row.file_name.removesuffix('.json')}-{slug(name)}.png"
    if not options:
        return [exact] if exact.is_file() else []
    return sorted(path for path in exact.parent.glob(f"{glob.escape(exact.stem)}-??????.png") if path.is_file())
