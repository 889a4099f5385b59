"""Sizes and ages on the command line: callbacks of options."""

from __future__ import annotations

import re
from collections.abc import Mapping

import click

SIZES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40}
"""Unit -> bytes."""
AGES = {"h": 3600.0, "d": 24 * 3600.0, "w": 7 * 24 * 3600.0}
"""Unit -> seconds."""


def parse_size(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Return bytes for a text such as `10GB`."""
    return None if value is None else _parse("size", value, SIZES, "10GB")


def parse_age(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Return seconds for a text such as `30d`."""
    return None if value is None else _parse("age", value, AGES, "30d")


def _parse(what: str, text: str, units: Mapping[str, float], example: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", text)
    factors = {unit.lower(): factor for unit, factor in units.items()}
    if match is None or match[2].lower() not in factors:
        raise click.BadParameter(f'Invalid {what} "{text}": use a number with {", ".join(units)} ({example}).')
    return float(match[1]) * factors[match[2].lower()]
