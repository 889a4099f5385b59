"""Row -> its fields in words, by the groups of the column table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlbench.results.columns import COLUMNS, GROUPS, Column
from tlbench.results.row import Row


def row_sections(row: Row) -> dict[str, dict[str, str]]:
    """Return group -> heading -> value in words, without fields that do not apply or were not reached."""
    sections = {
        group: {
            column.heading: _value(row, column)
            for column in COLUMNS
            if column.group == group and getattr(row, column.field, None) not in (None, (), {})
        }
        for group in GROUPS
    }
    return {group: facts for group, facts in sections.items() if facts}


def _value(row: Row, column: Column) -> str:
    value = getattr(row, column.field)
    return f"{in_words(value, grouped=True)} {column.unit}" if column.unit else in_words(value)


def in_words(value: Any, grouped: bool = False) -> str:
    """Return a value of a row as a person would write it; `grouped` sets the thousands of whole numbers apart."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}" if grouped else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {in_words(part)}" for name, part in value.items())
    if isinstance(value, tuple):
        nested = any(isinstance(part, tuple) for part in value)
        return ", ".join(f"[{in_words(part)}]" if nested else in_words(part) for part in value)
    return "-" if value is None else str(value)
