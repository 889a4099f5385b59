"""`tlbench.compare`: how the results of one strategy, backbone, version or board differ from those of another."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlbench.api.comparisons import Comparisons
    from tlbench.leaderboard.matching import Sort

    Place = str | os.PathLike[str]


def compare(a: Place, b: Place, *, board: Place | None = None, by: Sort | None = None) -> Comparisons:
    """Return how B differs from A, task by task, with significance, as `tlbench compare` prints it.

    Args:
        a: A strategy, a backbone or a version of one board, or the folder of a board. A version is the beginning of a
            commit (4 digits or more), the version of tlbench for results without a commit, or the label that the board
            has for it.
        b: Another of the same sort.
        board: The folder of results that has both. Default: `leaderboards/local`. None for two boards.
        by: `strategy`, `backbone`, `version` or `board`: what A and B are. Default: two folders of results are
            boards; other words are what the board has under these names.

    Only results with the same access, label budget, task options, data, test split and metric are compared; others are
    listed with the reason. Raises `UsageError` for names that are unknown or ambiguous, or that name the same results.
    """
    from tlbench.api.comparisons import Comparisons
    from tlbench.api.sides import find_sides
    from tlbench.leaderboard.comparison import compare_entries

    words = os.fspath(a), os.fspath(b)
    sides = find_sides(words, None if board is None else os.fspath(board), by)
    compared, uncompared = compare_entries(sides.a, sides.b, sides.by)
    return Comparisons(
        a=words[0],
        b=words[1],
        by=sides.by,
        board=sides.board,
        compared=tuple(compared),
        uncompared=tuple(uncompared),
    )
