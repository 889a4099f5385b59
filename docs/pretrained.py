"""The table of docs/pretrained.md, from a board: `python docs/pretrained.py [BOARD]` writes its figures into the page.

A line has a task and a backbone; its figures are those of every strategy that the board has for these.
"""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

from tlbench.leaderboard.aggregate import Entry, aggregate
from tlbench.leaderboard.wording import number
from tlbench.results.row_files import read_rows

PAGE = Path(__file__).with_suffix(".md")
BOARD = PAGE.parents[1] / "leaderboards"
STRATEGIES = ("frozen", "finetune", "source-only", "scratch", "classical", "all-labels")
"""The columns of scores, in the order of the page."""
PLACE = re.compile(r"^\| `([^`|]+)` \| `([^`|]+)` \|(?=(?:[^|]*\|){9}$)")
"""Task and backbone at the beginning of a line of eleven cells."""


def with_figures(page: str, board: Path) -> str:
    """Return the page with the figures of every line whose task and backbone the board has."""
    entries = aggregate(read_rows(board), board)
    return "\n".join(_with_figures(line, entries) for line in page.splitlines()) + "\n"


def _with_figures(line: str, entries: list[Entry]) -> str:
    found = PLACE.match(line)
    if found is None:
        return line
    fitting = [entry for entry in entries if (entry.first.task, entry.first.backbone) == found.groups()]
    of_strategy = {entry.first.strategy: entry for entry in fitting if entry.first.strategy in STRATEGIES}
    if sum(entry.first.strategy in STRATEGIES for entry in fitting) > len(of_strategy):
        raise SystemExit(f"Several results of a strategy on {' with '.join(found.groups())}: use a board with one.")
    if not of_strategy:
        return line
    shown = [_score(of_strategy.get(name)) for name in STRATEGIES]
    tuned, any_entry = of_strategy.get("finetune"), next(iter(of_strategy.values()))
    labels = {entry.first.label_budget for name, entry in of_strategy.items() if name in ("frozen", "finetune")}
    sizes = f"{any_entry.first.test_size:,}; {', '.join(f'{size:,}' for size in sorted(filter(None, labels)))}"
    cost = ["-", "-"] if tuned is None else [number(tuned.mean("forgetting_head")), number(tuned.mean("p50_ms"))]
    return " | ".join([found[0].removesuffix(" |"), sizes, *shown, *cost]) + " |"


def _score(entry: Entry | None) -> str:
    """Return the mean score over seeds, with the ends of its intervals over test examples averaged likewise."""
    if entry is None:
        return "-"
    score, low, high = (number(entry.mean(name)) for name in ("score", "score_low", "score_high"))
    return f"{score} ({low} to {high})"


if __name__ == "__main__":
    given = Path(next(itertools.islice(sys.argv, 1, 2), BOARD))
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), given), encoding="utf-8")
