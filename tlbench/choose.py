"""What a user calls a row -> the row's file."""

from __future__ import annotations

import difflib
from pathlib import Path

from tlbench.errors import UsageError
from tlbench.rows import Row, read_row

SHOWN = 5


def choose_row(board: Path, name: str) -> tuple[Path, Row]:
    """Return the row of a file, or the one of a board whose file name holds `name`: a key will do.

    Raises `UsageError` where there is none, or several.
    """
    if Path(name).is_file():
        return Path(name), read_row(Path(name))
    root = board / "rows"
    known = {path.relative_to(root).as_posix(): path for path in sorted(root.glob("*/*.json"))}
    found = [row for row in known if name in row]
    if len(found) == 1:
        return known[found[0]], read_row(known[found[0]])
    if found:
        raise UsageError(f'"{name}" names {len(found)} rows: {_some(found)}. Give more of the name, such as its key.')
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    advice = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known: {_some(list(known)) or 'none'}."
    raise UsageError(f'There is no row "{name}" below "{root}": {advice}')


def _some(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
