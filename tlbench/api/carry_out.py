"""An opened plan -> results, and the boards that are refreshed while it runs."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.api.results import Results
from tlbench.errors import StoreError

if TYPE_CHECKING:
    from tlbench.api.engines import Opened
    from tlbench.planning.settings import Settings
    from tlbench.results.row_files import Known

SHARE = 50
"""A refresh comes when this many times as long has passed as the last one took."""


def carry_out(run: Opened, settings: Settings) -> Results:
    """Run a plan and render the boards, unless results are missing there."""
    from tlbench.engine.runner import run_jobs

    boards = Boards(settings.board)
    outcome = run_jobs(run.jobs, run.executor, settings, boards.refresh, latency=run.latency)
    return Results(
        rows=tuple(outcome.rows),
        board=settings.board,
        missing=tuple(outcome.missing),
        computed=outcome.computed,
        cached=outcome.cached,
        seconds=outcome.seconds,
        without=tuple(outcome.without),
        pages=() if outcome.missing else tuple(boards.render()),
    )


class Boards:
    """The boards of a folder: rendered again while rows come in, but seldom enough to cost a run nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: Known = {}
        self._next = 0.0

    def render(self) -> list[Path]:
        """Write all pages; return their paths. Rows that have not changed are not read again."""
        from tlbench.leaderboard.render import render
        from tlbench.results.row_files import read_rows

        return render(self._folder, list(read_rows(self._folder, self._known)))

    def refresh(self) -> None:
        """Write all pages if the last time is long enough ago. The end of the run says what cannot be written."""
        started = time.monotonic()
        if started < self._next:
            return
        with suppress(StoreError):
            self.render()
        ended = time.monotonic()
        self._next = ended + SHARE * (ended - started)


def lost(results: Results, settings: Settings) -> str:
    """Return what to do about the results that are missing on the board."""
    return (
        f'{len(results.missing)} of {len(results)} results are missing in "{settings.board}": check disk space, '
        f'permissions and "{settings.cache / "tlbench.log"}", then run the same command again.'
    )
