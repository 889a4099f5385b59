"""The pages of a board, rendered anew from its rows and compared byte for byte."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tlbench.errors import StoreError
from tlbench.leaderboard import pictures
from tlbench.leaderboard.aggregate import aggregate, without_score
from tlbench.leaderboard.render import texts
from tlbench.results import audits
from tlbench.results.evidence import ENVIRONMENT, REPRODUCED, SUMMARY, read_reruns
from tlbench.results.row import Row
from tlbench.verification.report import Problem

ENDINGS = (".md", ".csv", ".tex", ".json")
NO_PAGES = frozenset({REPRODUCED, SUMMARY, ENVIRONMENT})
"""Files beside rows that are not rendered from them."""
LARGEST = 2**28
"""Bytes of a page that is read."""
EXCERPT = 60
"""Characters of a line that a problem shows, from where it differs."""


def page_names(board: Path) -> list[str]:
    """Return the files of a board that may be its pages."""
    files = (path for path in board.glob("*") if path.suffix in ENDINGS and not path.name.startswith("."))
    return sorted(path.name for path in files if path.name not in NO_PAGES)


def wrong_pages(board: Path, rows: Sequence[Row]) -> Iterator[Problem]:
    """Yield the first difference of each page from the one that is made of the rows."""
    for name, text in _made(board, rows).items():
        path = board / name
        if not path.exists():
            continue
        if not path.is_file() or path.stat().st_size > LARGEST:
            yield Problem(name, "file", name, f"a regular file of at most {LARGEST:,} bytes")
        elif (content := path.read_bytes()) != text.encode():
            yield _difference(name, content.decode("utf-8", "backslashreplace"), text)


def wrong_evidence(board: Path) -> Iterator[Problem]:
    """Yield files of evidence that are not what was written; what they say of other results is ignored by pages."""
    files: dict[str, Callable[[], object]] = {REPRODUCED: lambda: read_reruns(board)}
    for path in audits.audit_paths(board):
        files[f"{audits.FOLDER}/{path.name}"] = functools.partial(audits.read_audit, path)
    for name, read in files.items():
        try:
            read()
        except StoreError as error:
            yield Problem(name, "file", name, f"evidence that can be read: {error}")


def missing_pages(board: Path, rows: Sequence[Row]) -> dict[str, str]:
    """Return the pages without results and, if any page was rendered, those that were not, each with the reason."""
    made, there = set(_made(board, rows)) if rows else set(), set(page_names(board))
    lacking = dict.fromkeys(sorted(there - made), "no results for this file")
    return lacking | (dict.fromkeys(sorted(made - there), "not rendered: run tlbench leaderboard") if there else {})


def _made(board: Path, rows: Sequence[Row]) -> dict[str, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is left out, which are problems of their own here
        return texts(rows, aggregate(rows, board), without_score(rows), pictures.read_drawn(board))


def _difference(name: str, found: str, made: str) -> Problem:
    """Return the first place where two texts differ."""
    lines, expected = found.split("\n"), made.split("\n")
    number = _common(lines, expected)
    one, other = ("".join(part[number : number + 1]) for part in (lines, expected))
    start = max(0, _common(one, other) - EXCERPT // 2)
    cut = slice(start, start + EXCERPT)
    return Problem(name, f"line {number + 1}", one[cut], f"{other[cut]!r}, rendered from the results by this version")


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many first parts two sequences have in common."""
    differing = (n for n, (here, there) in enumerate(zip(one, other, strict=False)) if here != there)
    return next(differing, min(len(one), len(other)))
