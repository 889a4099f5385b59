"""Progress of a plan as a live table, on a terminal and in a notebook."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from tlbench.api.display import Display
from tlbench.contract.events import Event
from tlbench.contract.hooks import hookimpl
from tlbench.results.escapes import plain, plain_lines

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from tlbench.results.row import Row

LINES = 12
"""Lines of the live table: those that changed last."""


class TerminalProgress(Display):
    """A live table of mean scores, what runs now, and the remaining time. Nothing is shown if everything is cached."""

    def __init__(self, level: int = logging.INFO) -> None:
        super().__init__(level)
        self._live: Live | None = None
        self._total = self._done = self._computed = 0
        self._running: dict[str, str] = {}
        """Pairing -> what it does."""
        self._spent: dict[str, list[float]] = {}
        """Stage -> CPU seconds of each time that it was computed."""
        self._scores: dict[tuple[str, str], list[Row]] = {}
        self._drawn = 0.0

    @hookimpl
    def tlbench_event(self, event: Event) -> None:
        super().tlbench_event(event)
        if event.name == "plan-started":
            self._total = event.total
        elif event.name == "stage-started":
            self._start()
            self._running[event.pairing] = event.stage
        elif event.name == "step":
            self._running[event.pairing] = f"{event.stage} {event.done}/{event.total or '?'}"
        elif event.name == "stage-finished" and not event.cached:
            self._spent.setdefault(event.stage, []).append(event.seconds)
        elif event.name == "pairing-finished":
            self._add_row(event)
        self._draw(now=event.name != "step")

    def _add_row(self, event: Event) -> None:
        self._done = event.done
        self._computed += self._running.pop(event.pairing, None) is not None
        row = event.values["row"]
        if row.status != "skipped":
            name = (plain(row.task), plain(row.strategy))
            self._scores[name] = [*self._scores.pop(name, []), row]

    def close(self) -> None:
        """Remove the table and restore the cursor, also after an interruption."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _progress(self, text: str) -> None:
        """Log it: the table shows it."""
        self._log(logging.INFO, text)

    def _print(self, text: str, result: bool) -> None:
        """Print above the table, if there is one."""
        if self._live is None or result:
            super()._print(text, result)
        else:
            self._live.console.print(plain_lines(text), markup=False, highlight=False)

    def _start(self) -> None:
        from rich.console import Console
        from rich.live import Live

        if self._live is None:
            self._live = Live(console=Console(stderr=True), transient=True, auto_refresh=False)
            self._live.start()

    def _draw(self, now: bool) -> None:
        # Each drawing costs some milliseconds: steps come faster than anybody reads.
        if self._live is not None and (now or time.monotonic() - self._drawn > 0.25):
            self._live.update(self._picture(), refresh=True)
            self._drawn = time.monotonic()

    def _picture(self) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("task", "strategy", "score", "done"):
            table.add_column(title, justify="right" if title in ("score", "done") else "left", no_wrap=True)
        for (task, strategy), rows in list(self._scores.items())[-LINES:]:
            table.add_row(Text(task), Text(strategy), _mean(rows), str(len(rows)))
        now = [Text(f"  {plain(title)}: {doing}" if title else f"  {doing}") for title, doing in self._running.items()]
        return Group(table, Text(f"{self._done} of {self._total} done{self._remaining()}"), *now)

    def _remaining(self) -> str:
        """Return how much CPU time is left, by what the stages of finished pairings took."""
        left = self._total - self._done
        if not self._computed or not left:
            return ""
        each = sum(map(sum, self._spent.values())) / self._computed
        return f", {_duration(each * left)} of CPU time left"


def _mean(rows: list[Row]) -> str:
    scores = [row.score for row in rows if row.score is not None]
    return f"{sum(scores) / len(scores):.3f}" if scores else "failed"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"about {minutes // 60} h {minutes % 60} min"
    return f"about {minutes} min" if minutes else "less than a minute"
