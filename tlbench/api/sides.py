"""What the two words of a comparison name, and the results of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tlbench.api.results import load
from tlbench.errors import UnknownNameError, UsageError
from tlbench.leaderboard.aggregate import Entry, aggregate, without_score
from tlbench.leaderboard.matching import PLURALS, Sort
from tlbench.results.files import BOARD

SHORTEST = 4
"""Digits by which a commit may be named."""
NAMED: tuple[Sort, ...] = ("strategy", "backbone", "version")
"""What a word may name on one board."""
Words = tuple[str, str]


@dataclass(frozen=True)
class Sides:
    """Entries of A and B, those without a score too."""

    by: Sort
    board: str
    """The folder that has both; empty for two boards."""
    a: Sequence[Entry]
    b: Sequence[Entry]


def find_sides(words: Words, board: str | None, by: Sort | None) -> Sides:
    """Return what two words name: two folders of results are boards, other words are looked up on one board.

    Raises `UsageError` for words that are unknown or ambiguous, or that name the same results.
    """
    if by is not None and by not in PLURALS:
        raise UnknownNameError("sort of comparison", by, PLURALS)
    if by == "board" or (by is None and all(map(_is_board, words))):
        return _two_boards(words, board)
    folder = str(BOARD if board is None else Path(board).expanduser())
    if not Path(folder).is_dir():
        raise UsageError(
            f'"{words[0]}" and "{words[1]}" are not two folders of results, and the leaderboard folder "{folder}", in '
            "which they may be strategies, backbones or versions, does not exist. Run tlbench run first, or name "
            "another folder."
        )
    entries = _entries(folder)
    sort = by or _sort(entries, words, folder)
    a, b = (_named(entries, word, sort, folder) for word in words)
    if shared := [one for one in a if any(one is other for other in b)]:
        raise UsageError(
            f'"{words[0]}" and "{words[1]}" both name "{shared[0].strategy}" of {shared[0].first.task}: expected two '
            f"different {PLURALS[sort]}, or the full labels that they have on the board."
        )
    return Sides(sort, folder, a, b)


def _two_boards(words: Words, board: str | None) -> Sides:
    if board is not None:
        raise UsageError(f'A and B are boards, so that the board "{board}" has no part in it: leave it out.')
    one, other = (Path(word).expanduser().resolve() for word in words)
    if one == other:
        raise UsageError(f'"{words[0]}" and "{words[1]}" are the same folder: expected two different boards.')
    return Sides("board", "", _entries(words[0]), _entries(words[1]))


def _is_board(word: str) -> bool:
    return (Path(word).expanduser() / "rows").is_dir()


def _entries(folder: str) -> list[Entry]:
    found = load(folder)
    return [*aggregate(found.rows, found.board), *without_score(found.rows)]


def _sort(entries: Sequence[Entry], words: Words, folder: str) -> Sort:
    """Return what both words name."""
    sorts = {word: [sort for sort in NAMED if _members(entries, word, sort)] for word in words}
    both = [sort for sort in NAMED if all(sort in found for found in sorts.values())]
    if len(both) == 1:
        return both[0]
    named = " and ".join(f'"{word}"' for word in words)
    if both:
        several = " and ".join(PLURALS[sort] for sort in both)
        raise UsageError(f'{named} are both {several} of "{folder}": choose one of them with --by (in Python: by=).')
    for word, found in sorts.items():
        if not found:
            names = {name for sort in NAMED for entry in entries for name in _names(entry, sort)}
            raise UnknownNameError("strategy, backbone or version", word, names, where=f'in "{folder}"')
    each = ", ".join(f'"{word}" is a {" and a ".join(found)}' for word, found in sorts.items())
    raise UsageError(f"{each}: expected two strategies, two backbones, two versions or two boards.")


def _named(entries: Sequence[Entry], word: str, sort: Sort, folder: str) -> list[Entry]:
    """Return the entries that a word names. Raises `UnknownNameError` if there are none."""
    members = _members(entries, word, sort)
    if not members:
        names = {name for entry in entries for name in _names(entry, sort)}
        raise UnknownNameError(sort, word, names, where=f'in "{folder}"')
    commits = {entry.first.commit for entry in members}
    if sort == "version" and len(commits) > 1:
        shown = ", ".join(sorted(f'"{commit}"' for commit in commits))
        raise UsageError(f'"{word}" is the beginning of {len(commits)} commits: {shown}. Use more digits.')
    return members


def _members(entries: Sequence[Entry], word: str, sort: Sort) -> list[Entry]:
    return [
        entry
        for entry in entries
        if word in _names(entry, sort) or (sort == "version" and _begins_commit(word, entry.first.commit))
    ]


def _begins_commit(word: str, commit: str | None) -> bool:
    return len(word) >= SHORTEST and commit is not None and commit.startswith(word.lower())


def _names(entry: Entry, sort: Sort) -> set[str]:
    """Return what an entry is called as one of a strategy, a backbone or a version, with its label on the board."""
    row = entry.first
    if sort == "strategy":
        return {row.strategy, entry.strategy}
    if sort == "backbone":
        return {row.backbone}
    return {entry.version, row.commit[:7] if row.commit else row.versions.get("tlbench", "")} - {""}
