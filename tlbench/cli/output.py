"""Tables, facts and JSON for the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows under their keys."""
    from tabulate import tabulate

    click.echo(tabulate(rows, headers="keys", tablefmt="simple", floatfmt=".3f", missingval="-"))


def print_json(value: Any) -> None:
    """Print a value as JSON; what JSON does not know becomes a list."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=list)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # A surrogate from a file's name, or a terminal of few letters: JSON's own escapes.
        text = json.dumps(value, indent=1, default=list)
    click.echo(text)


def print_title(text: str) -> None:
    """Print a heading."""
    click.secho(plain(text), bold=True)


def print_facts(facts: Mapping[str, Any], indent: str = "") -> None:
    """Print names beside their values, wrapped, then lists of records as tables. What is empty is left out."""
    told = {name: value for name, value in facts.items() if value}
    tables = {name: value for name, value in told.items() if isinstance(value, list) and isinstance(value[0], dict)}
    texts = {name: value for name, value in told.items() if name not in tables}
    column = len(indent) + max(map(len, texts), default=0) + 2
    for name, value in texts.items():
        lines = [line for text in _texts(value) for line in _wrap(text, _width() - column)]
        click.echo(f"{indent}{name}".ljust(column) + f"\n{' ' * column}".join(lines))
    for name, rows in tables.items():
        click.echo(f"\n{name}")
        _print_words(rows)


def plain(text: str) -> str:
    """Return text that does nothing to a terminal: control characters as their escapes."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _texts(value: Any) -> list[str]:
    """Return a value as paragraphs: a list of names is one, a list of sentences has one for each."""
    if not isinstance(value, list):
        return [str(value)]
    parts = [str(part) for part in value]
    return parts if any(" " in part for part in parts) else [", ".join(parts)]


def _print_words(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table whose values stand as they are, its last column wrapped."""
    from tabulate import tabulate

    cells = [{name: plain(_word(value)) for name, value in row.items()} for row in rows]
    names = list(cells[0])
    taken = sum(max(len(name), *(len(row[name]) for row in cells)) + 2 for name in names[:-1])
    for row in cells:
        row[names[-1]] = "\n".join(_wrap(row[names[-1]], max(24, _width() - taken)))
    click.echo(tabulate(cells, headers="keys", tablefmt="simple", disable_numparse=True))


def _word(value: Any) -> str:
    """Return a value as a table shows it: a truth as `--set` takes it, what is not there as a dash."""
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wrap(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(plain(text), width, break_long_words=False, break_on_hyphens=False) or [""]


def _width() -> int:
    import shutil

    return max(60, min(110, shutil.get_terminal_size().columns))
