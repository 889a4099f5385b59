"""Progress of a plan: a live table on a terminal and in a notebook, else a line for each run that is computed."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tlbench.contract.events import Event
from tlbench.contract.hooks import hookimpl
from tlbench.results.escapes import plain, plain_lines

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

    from tlbench.results.row import Row

LINES = 12
"""Lines of the live table: those that changed last."""


class PlainProgress:
    """One line on standard error for each run that computed something."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def close(self) -> None:
        """Nothing is open."""

    def announce(self, text: str) -> None:
        """Show what is about to begin."""
        _say(text)

    def say(self, text: str) -> None:
        """Show a text that is no progress."""
        _say(text)

    @hookimpl
    def tlbench_event(self, event: Event) -> None:
        if event.name == "pairing-started":
            self._seconds[event.pairing] = 0.0
        elif event.name == "stage-finished" and not event.cached:
            if event.stage == "latency":
                _say(f"latency: {event.seconds:.1f} CPU s")
            elif event.pairing in self._seconds:
                self._seconds[event.pairing] += event.seconds
        elif event.name == "pairing-finished":
            seconds, row = self._seconds.pop(event.pairing, 0.0), event.values["row"]
            if seconds or row.status == "failed":
                outcome = f"{seconds:.1f} CPU s" if row.status == "ok" else f"{row.status}: {row.reason}"
                _say(f"[{event.done}/{event.total}] {event.pairing}: {outcome}")


class TerminalProgress:
    """A live table of mean scores, what runs now, and the remaining time. Nothing is shown if everything is cached."""

    def __init__(self) -> None:
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
            self._finish(event)
        self._draw(now=event.name != "step")

    def _finish(self, event: Event) -> None:
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

    def announce(self, text: str) -> None:
        """Show what is about to begin."""
        self.say(text)

    def say(self, text: str) -> None:
        """Show a text that is no progress, above the table."""
        if self._live is None:
            _say(text)
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


def _say(text: str) -> None:
    """Print to standard error, with control characters escaped: a reason may come from a plugin."""
    import click

    click.echo(plain_lines(text), err=True)


class Silent:
    """Nothing of a run's progress: a script's output is its own."""

    def close(self) -> None:
        """Nothing is open."""

    def announce(self, text: str) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Show a text that is no progress."""
        _say(text)

    def tlbench_event(self, event: Event) -> None:
        """Show nothing."""


Display = PlainProgress | TerminalProgress | Silent


def progress() -> PlainProgress | TerminalProgress:
    """Return the display of a command, on standard error."""
    return TerminalProgress() if sys.stderr.isatty() else PlainProgress()


def session_progress() -> Display:
    """Return the display of a Python session: bars in a terminal and in a notebook, and nothing in a script's log."""
    if _in_notebook():
        # rich draws in a notebook with ipywidgets, and complains with each refresh if they are missing.
        return TerminalProgress() if find_spec("ipywidgets") else PlainProgress()
    return TerminalProgress() if sys.stderr is not None and sys.stderr.isatty() else Silent()


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    from rich.console import Console

    return Console().is_jupyter
