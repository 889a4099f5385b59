"""Tables and JSON for the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows under their keys."""
    from tabulate import tabulate

    click.echo(tabulate(rows, headers="keys", tablefmt="simple", floatfmt=".3f", missingval="-"))


def print_json(value: Any) -> None:
    """Print a value as JSON; what JSON does not know becomes a list."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False, default=list))
