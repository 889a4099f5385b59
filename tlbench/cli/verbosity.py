"""The options `-v`, `-q` and `--log-file`: how much a command says beside its results."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tlbench.api.log import log_to
from tlbench.errors import UsageError

LEVEL = "tlbench.level"
"""Where the level stands among what a command's contexts share, with where it comes from."""


def level() -> int:
    """Return the level of `tlbench.api.display.Display` that the command was asked for."""
    context = click.get_current_context(silent=True)
    chosen, _ = context.meta.get(LEVEL, (logging.INFO, None)) if context else (logging.INFO, None)
    return int(chosen)


def _sets(chosen: int) -> Callable[[click.Context, click.Parameter, bool], None]:
    def callback(context: click.Context, parameter: click.Parameter, value: bool) -> None:
        if not value:
            return
        source = context.get_parameter_source(str(parameter.name))
        before, by = context.meta.setdefault(LEVEL, (chosen, source))
        # The command line comes first, and wins over a settings file.
        if before != chosen and by is source:
            raise UsageError("--verbose and --quiet exclude each other: use one of them.")

    return callback


def _log_to(context: click.Context, parameter: click.Parameter, path: Path | None) -> None:
    if path is None or context.resilient_parsing:
        return
    try:
        log_to(path)
    except OSError as error:
        raise UsageError(f'"{path}" cannot be written as a log ({error.strerror}): use another --log-file.') from error


OPTIONS = (
    click.option(
        "-v", "--verbose", is_flag=True, expose_value=False, callback=_sets(logging.DEBUG),
        help="Also show each stage, whether it came from the cache, and tracebacks.",
    ),
    click.option(
        "-q", "--quiet", is_flag=True, expose_value=False, callback=_sets(logging.ERROR),
        help="Show only errors and the table of results.",
    ),
    click.option(
        "--log-file", type=click.Path(dir_okay=False, path_type=Path), expose_value=False, callback=_log_to,
        help="Add everything that --verbose shows to a file, with times.",
    ),
)  # fmt: skip


def verbosity_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which passes `level()` to its display."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
