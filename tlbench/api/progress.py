"""Progress of a plan: bars on a terminal and in a notebook, else one line for each run that computes something."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tlbench.contract.events import Event
from tlbench.contract.hooks import hookimpl
from tlbench.results.escapes import plain, plain_lines

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class PlainProgress:
    """One line on standard error for each run that computed something."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def close(self) -> None:
        """Nothing is open."""

    @hookimpl
    def tlbench_event(self, event: Event) -> None:
        if event.name == "pairing-started":
            self._seconds = 0.0
        elif event.name == "stage-finished" and not event.cached:
            self._seconds += event.seconds
            if event.stage == "latency":
                _say(f"latency: {event.seconds:.1f} CPU s")
        elif event.name == "pairing-finished" and (self._seconds or event.values["row"].status == "failed"):
            row = event.values["row"]
            outcome = f"{self._seconds:.1f} CPU s" if row.status == "ok" else f"{row.status}: {row.reason}"
            _say(f"[{event.done}/{event.total}] {event.pairing}: {outcome}")


class TerminalProgress:
    """Two bars: the plan with its remaining time, and the current stage. Nothing is shown if everything is cached."""

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._plan: TaskID | None = None
        self._stage: TaskID | None = None
        self._total = 0
        self._done = 0
        self._title = ""

    @hookimpl
    def tlbench_event(self, event: Event) -> None:
        if event.name == "plan-started":
            self._total = event.total
        elif event.name == "pairing-started":
            self._title = plain(event.pairing)
        elif event.name == "stage-started":
            self._show(event)
        elif event.name == "step" and self._bars is not None and self._stage is not None:
            self._bars.update(self._stage, completed=event.done, total=event.total)
        elif event.name == "pairing-finished":
            self._done = event.done
            if self._bars is not None and self._plan is not None:
                self._bars.update(self._plan, completed=event.done)

    def close(self) -> None:
        """Remove the bars and restore the cursor, also after an interruption."""
        if self._bars is not None:
            self._bars.stop()

    def _show(self, event: Event) -> None:
        if self._bars is None:
            self._bars = _bars()
            self._plan = self._bars.add_task("plan", total=self._total, completed=self._done)
        assert self._plan is not None
        if self._stage is not None:
            self._bars.remove_task(self._stage)
        self._stage = self._bars.add_task(f"  {plain(event.stage)}", total=None)  # The total comes with the first step.
        self._bars.update(self._plan, description=self._title if event.stage != "latency" else "latency")


def _bars() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    bars.start()
    return bars


def _say(text: str) -> None:
    """Print to standard error, with control characters escaped: a reason may come from a plugin."""
    import click

    click.echo(plain_lines(text), err=True)


class Silent:
    """Nothing: a script's output is its own."""

    def close(self) -> None:
        """Nothing is open."""


def progress() -> PlainProgress | TerminalProgress:
    """Return the display of a command, on standard error."""
    return TerminalProgress() if sys.stderr.isatty() else PlainProgress()


def session_progress() -> PlainProgress | TerminalProgress | Silent:
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
