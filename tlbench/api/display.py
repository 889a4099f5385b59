"""What a run shows beside its results: progress, warnings, and sections such as the plan.

Everything goes to the log as well, also what is not important enough to be shown.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tlbench.api.log import LOG
from tlbench.api.wrapping import section_lines
from tlbench.contract.events import Event
from tlbench.contract.hooks import hookimpl
from tlbench.results.escapes import plain_lines


class Display:
    """Shows what is important enough, on standard error: a line for each run that computed something."""

    def __init__(self, level: int = logging.INFO) -> None:
        self.level = level
        """A level of `logging`: `DEBUG` also shows each stage, `WARNING` no progress, `ERROR` no warnings either."""
        self._seconds: dict[str, float] = {}
        """Pairing -> CPU seconds of its stages that were computed."""

    def close(self) -> None:
        """Nothing is open."""

    def announce(self, text: str) -> None:
        """Show what is about to begin; `-q` silences it."""
        self._show(logging.INFO, text)

    def say(self, text: str) -> None:
        """Show a text that is no progress: a warning, or what a plugin prints."""
        self._show(logging.WARNING, text)

    def section(self, title: str, lines: Sequence[str], *, result: bool = False) -> None:
        """Show a title with lines below it, such as the plan; `-q` silences it.

        Lines are wrapped at the terminal's width; those that fit, such as the lines of a table, stay as they are. A
        section is shown on standard error; with `result` it belongs to what a command answers, on standard output.
        """
        text = "\n".join(["", *section_lines(title, lines)])
        self._show(logging.INFO, text, result=result)

    @hookimpl
    def tlbench_event(self, event: Event) -> None:
        if event.name == "pairing-started":
            self._seconds[event.pairing] = 0.0
        elif event.name == "stage-finished":
            self._stage(event)
        elif event.name == "pairing-finished":
            self._finish(event)

    def _stage(self, event: Event) -> None:
        spent = "from cache" if event.cached else f"{event.seconds:.1f} CPU s"
        if event.stage == "latency" and not event.cached:
            self._progress(f"latency: {spent}")
            return
        self._show(logging.DEBUG, f"{event.pairing}: {event.stage} {spent}".removeprefix(": "))
        if not event.cached and event.pairing in self._seconds:
            self._seconds[event.pairing] += event.seconds

    def _finish(self, event: Event) -> None:
        seconds, row = self._seconds.pop(event.pairing, 0.0), event.values["row"]
        if seconds or row.status == "failed":
            outcome = f"{seconds:.1f} CPU s" if row.status == "ok" else f"{row.status}: {row.reason}"
            self._progress(f"[{event.done}/{event.total}] {event.pairing}: {outcome}")
        if trace := event.values.get("traceback"):
            self._show(logging.DEBUG, trace)

    def _progress(self, text: str) -> None:
        """Show that something is done."""
        self._show(logging.INFO, text)

    def _show(self, level: int, text: str, *, result: bool = False) -> None:
        """Log a text, and show it if it is important enough."""
        self._log(level, text)
        if level >= self.level:
            self._print(text, result)

    def _log(self, level: int, text: str) -> None:
        LOG.log(level, "%s", plain_lines(text))

    def _print(self, text: str, result: bool) -> None:
        """Print with control characters escaped: a reason may come from a plugin."""
        import click

        click.echo(plain_lines(text), err=not result)
