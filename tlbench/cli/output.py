"""Tables, facts and JSON for the terminal."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from tlbench.api.log import LOG
from tlbench.api.wrapping import cells, line_width, wrapped
from tlbench.results.escapes import plain, plain_json, plain_lines


def say(text: object = "", *, err: bool = False) -> None:
    """Print text, which may have several lines, with control characters escaped: it may come from a plugin or a file.

    Commands print only through the functions of this module, and through the display of a run.
    """
    shown = plain_lines(str(text))
    LOG.log(logging.ERROR if err else logging.INFO, "%s", shown)
    click.echo(shown, err=err)


def say_err(text: object) -> None:
    """Print text to standard error."""
    say(text, err=True)


def say_wrapped(text: str) -> None:
    """Print a sentence on lines of the terminal's width."""
    for line in wrapped(text, line_width(), "  "):
        say(line)


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows under their keys."""
    from tlbench.api.tables import as_text

    say(as_text(rows))


def print_json(value: Any) -> None:
    """Print a value as JSON; other iterables become lists."""
    say(plain_json(json.dumps(value, indent=1, ensure_ascii=False, default=list)))


def print_title(text: str) -> None:
    """Print a heading: bold on a terminal, unless NO_COLOR is set."""
    shown = plain(text)
    LOG.info("%s", shown)
    click.echo(shown if os.environ.get("NO_COLOR") else click.style(shown, bold=True))


def print_facts(facts: Mapping[str, Any], indent: str = "") -> None:
    """Print names with their values, wrapped, then lists of records as tables. Empty values are left out."""
    present = {name: value for name, value in facts.items() if value}
    tables = {name: value for name, value in present.items() if isinstance(value, list) and isinstance(value[0], dict)}
    texts = {name: value for name, value in present.items() if name not in tables}
    column = len(indent) + max(map(cells, texts), default=0) + 2
    for name, value in texts.items():
        lines = [line for text in _texts(value) for line in wrapped(text, line_width() - column)]
        say(f"{indent}{name}{' ' * (column - len(indent) - cells(name))}" + f"\n{' ' * column}".join(lines))
    for name, rows in tables.items():
        say(f"\n{name}")
        _print_words(rows)


@contextmanager
def progress_bar(name: str, total: int) -> Iterator[Callable[[], object]]:
    """Show how many of `total` things are done if standard error is a terminal; yield what counts one of them."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(bar_width=24), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(f"  {plain(name)}", total=total)
        yield lambda: bars.advance(task)


def _texts(value: Any) -> list[str]:
    """Return a value as paragraphs: one for a list of names, one for each of a list of sentences."""
    if not isinstance(value, list):
        return [str(value)]
    parts = [str(part) for part in value]
    return parts if any(" " in part for part in parts) else [", ".join(parts)]


def _print_words(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table without formatting numbers, its last column wrapped."""
    from tabulate import tabulate

    lines = [{plain(name): plain(_word(value)) for name, value in row.items()} for row in rows]
    names = list(lines[0])
    taken = sum(max(cells(name), *(cells(row[name]) for row in lines)) + 2 for name in names[:-1])
    for row in lines:
        row[names[-1]] = "\n".join(wrapped(row[names[-1]], max(24, line_width() - taken)))
    say(tabulate(lines, headers="keys", tablefmt="simple", disable_numparse=True))


def _word(value: Any) -> str:
    """Return the text of a table cell: a boolean as `--set` takes it, None as a dash."""
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)
