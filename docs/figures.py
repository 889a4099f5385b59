"""The figures of docs/tasks.md and docs/pretrained.md, from a board: `python docs/figures.py [BOARD]` writes them.

A line with a command has the score, forgetting and latency of the strategy in it, or of `finetune`, where the board has
that embedded task with the backbone in the command, or with its own. A line that begins with a task and a backbone has
the scores of every strategy that the board has for these. One that begins with a strategy and its access has what that
came to with one seed. Other lines stay as they are.
"""

from __future__ import annotations

import itertools
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from tlbench.leaderboard.aggregate import Entry, aggregate
from tlbench.leaderboard.wording import number
from tlbench.planning.augmentation import usual_strength
from tlbench.planning.catalog import Catalog, load_catalog
from tlbench.results.baselines import requested_budget
from tlbench.results.row_files import read_rows

DOCS = Path(__file__).parent
PAGES = (DOCS / "tasks.md", DOCS / "pretrained.md")
BOARD = DOCS.parent / "leaderboards"
COMMAND = re.compile(r"^\|(?:[^|]*\|){3} `tlbench run ([^`|]+)` \| `[^`|]+` \|")
"""A line up to the figures, with the words of its command."""
PLACE = re.compile(r"^\| `([^`|]+)` \| `([^`|]+)` \|(?=(?:[^|]*\|){9}$)")
"""Task and backbone at the beginning of a line of eleven cells."""
STRATEGIES = ("frozen", "finetune", "source-only", "scratch", "classical", "all-labels")
"""The scores of such a line, in its order."""
STRATEGY = re.compile(r"^\| `([a-z0-9-]+)` \| ([a-z, ]*) \|(?=(?:[^|]*\|){3}$)")
"""A strategy and its access at the beginning of a line of five cells."""
ALONE = ("medical/lung-colon", "timm/efficientnet-lite0", 1000)
"""Task, backbone and seed of such a line."""


def with_figures(page: str, board: Path) -> str:
    """Return a page with the figures of every line that the board has."""
    entries = aggregate(read_rows(board), board)
    return "\n".join(_with_figures(line, entries) for line in page.splitlines()) + "\n"


def _with_figures(line: str, entries: Sequence[Entry]) -> str:
    for pattern, figures in ((COMMAND, _of_command), (PLACE, _of_place), (STRATEGY, _of_strategy)):
        if (found := pattern.match(line)) and (shown := figures(found, entries)):
            return f"{found[0]} {' | '.join(shown)} |"
    return line


def _of_command(found: re.Match[str], entries: Sequence[Entry]) -> list[str]:
    words = shlex.split(found[1])
    given = dict(itertools.pairwise(words))
    catalog = load_catalog()
    task = catalog.tasks[given["--task"]]
    asked = (task.name, given.get("--backbone", task.backbone), given.get("--strategy", "finetune"))
    fitting = [entry for entry in entries if _is_plain(entry, catalog) and _question(entry) == asked]
    if len(fitting) > 1:
        raise SystemExit(f"Several results of {', '.join(asked)}: use a board with one.")
    return [figure for entry in fitting for figure in _figures(entry)]


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


def _figures(entry: Entry) -> list[str]:
    page = f"../leaderboards/{entry.first.domain}.md"
    return [f"{_score(entry)}, {len(entry.rows)} seeds; [board]({page})", *_costs(entry)]


def _of_place(found: re.Match[str], entries: Sequence[Entry]) -> list[str]:
    fitting = [entry for entry in entries if found.groups() == (entry.first.task, entry.first.backbone)]
    scored = [entry for entry in fitting if entry.first.strategy in STRATEGIES]
    named = {entry.first.strategy: entry for entry in scored}
    if len(scored) > len(named):
        raise SystemExit(f"Several results of a strategy on {' with '.join(found.groups())}: use a board with one.")
    if not named:
        return []
    labels = {entry.first.label_budget for name, entry in named.items() if name in ("frozen", "finetune")}
    sizes = f"{scored[0].first.test_size:,}; {', '.join(f'{size:,}' for size in sorted(filter(None, labels)))}"
    tuned = named.get("finetune")
    scores = [_score(named[name]) if name in named else "-" for name in STRATEGIES]
    return [sizes, *scores, *(("-", "-") if tuned is None else _costs(tuned))]


def _of_strategy(found: re.Match[str], entries: Sequence[Entry]) -> list[str]:
    rows = [row for entry in entries for row in entry.rows if row.strategy == found[1] and row.status == "ok"]
    for row in (row for row in rows if (row.task, row.backbone, row.seed) == ALONE):
        score = _with_interval(row.score, row.score_low, row.score_high)
        return [score, _lost(row.forgetting_head), f"{row.seconds['adapt']:.0f}"]
    return []


def _score(entry: Entry) -> str:
    """Return the mean score over seeds, with the ends of its intervals over test examples averaged likewise."""
    return _with_interval(*(entry.mean(name) for name in ("score", "score_low", "score_high")))


def _with_interval(score: float | None, low: float | None, high: float | None) -> str:
    return f"{number(score)} ({number(low)} to {number(high)})"


def _costs(entry: Entry) -> tuple[str, str]:
    """Return what the source head forgets, and the milliseconds of an example."""
    return _lost(entry.mean("forgetting_head")), number(entry.mean("p50_ms"))


def _lost(forgetting: float | None) -> str:
    return "-" if forgetting is None else number(forgetting)


if __name__ == "__main__":
    given = Path(next(itertools.islice(sys.argv, 1, 2), BOARD))
    for page in PAGES:
        page.write_text(with_figures(page.read_text(encoding="utf-8"), given), encoding="utf-8")
