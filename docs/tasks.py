"""The figures of docs/tasks.md, from a board: `python docs/tasks.py [BOARD]` writes them into the page.

A line has the score, forgetting and latency of the strategy in its command, or of `finetune`, where the board has that
embedded task with the backbone in its command, or with its own. Other lines stay as they are.
"""

from __future__ import annotations

import itertools
import re
import shlex
import sys
from pathlib import Path

from tlbench.leaderboard.aggregate import Entry, aggregate
from tlbench.leaderboard.wording import number
from tlbench.planning.augmentation import usual_strength
from tlbench.planning.catalog import Catalog, load_catalog
from tlbench.results.baselines import requested_budget
from tlbench.results.row_files import read_rows

PAGE = Path(__file__).parent / "tasks.md"
BOARD = PAGE.parents[1] / "leaderboards"
COMMAND = re.compile(r"^\|(?:[^|]*\|){3} `tlbench run ([^`|]+)` \| `[^`|]+` \|")
"""A line of the table up to the figures, with the words of its command."""


def with_figures(page: str, board: Path) -> str:
    """Return the page with the figures of every line that the board has."""
    entries = aggregate(read_rows(board), board)
    return "\n".join(_with_figures(line, entries) for line in page.splitlines()) + "\n"


def _with_figures(line: str, entries: list[Entry]) -> str:
    found = COMMAND.match(line)
    if found is None:
        return line
    words = shlex.split(found[1])
    given = dict(itertools.pairwise(words))
    catalog = load_catalog()
    task = catalog.tasks[given["--task"]]
    asked = (task.name, given.get("--backbone", task.backbone), given.get("--strategy", "finetune"))
    fitting = [entry for entry in entries if _is_plain(entry, catalog) and _question(entry) == asked]
    if len(fitting) > 1:
        raise SystemExit(f"Several results of {', '.join(asked)}: use a board with one.")
    return f"{found[0]} {_figures(fitting[0])} |" if fitting else line


def _question(entry: Entry) -> tuple[str, str, str]:
    return entry.first.task, entry.first.backbone, entry.first.strategy


def _is_plain(entry: Entry, catalog: Catalog) -> bool:
    """Return whether a result has the label budget and augmentation of its task, and no tuned options.

    Those of downloaded models stand on pages of their own.
    """
    row = entry.first
    task = catalog.tasks[row.task]
    if task.data_from != "package":
        return False
    usual = row.augmentation in (None, usual_strength(task, catalog.backbone(row.backbone)))
    return usual and requested_budget(row) == str(task.label_budget) and not row.tuning


def _figures(entry: Entry) -> str:
    score, low, high = (number(entry.mean(name)) for name in ("score", "score_low", "score_high"))
    lost = entry.mean("forgetting_head")
    page = f"../leaderboards/{entry.first.domain}.md"
    seeds = f"{len(entry.rows)} seeds; [board]({page})"
    return (
        f"{score} ({low} to {high}), {seeds} | {'-' if lost is None else number(lost)} | {number(entry.mean('p50_ms'))}"
    )


if __name__ == "__main__":
    given = Path(next(itertools.islice(sys.argv, 1, 2), BOARD))
    PAGE.write_text(with_figures(PAGE.read_text(encoding="utf-8"), given), encoding="utf-8")
