"""Sizes and durations on the command line."""

from __future__ import annotations

import re

import click


class Quantity(click.ParamType):
    """A number with a unit, such as `10GB`; its value is the number in the smallest unit."""

    def __init__(self, name: str, units: dict[str, float], example: str) -> None:
        self.name, self.units, self.example = name, units, example

    def convert(self, value: object, parameter: click.Parameter | None, context: click.Context | None) -> float:
        if isinstance(value, int | float):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)", str(value))
        units = {unit.lower(): factor for unit, factor in self.units.items()}
        if match is None or match[2].lower() not in units:
            self.fail(f'Invalid {self.name} "{value}": use a number with {", ".join(self.units)} ({self.example}).')
        return float(match[1]) * units[match[2].lower()]


SIZE = Quantity(
    "size", {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}, "10GB"
)
"""Bytes."""
AGE = Quantity("age", {"h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}, "30d")
"""Seconds."""
