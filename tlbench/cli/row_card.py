"""Row -> its fields in words, by the groups of the column table."""

from __future__ import annotations

from tlbench.leaderboard.wording import PENDING, in_words
from tlbench.results.columns import COLUMNS, GROUPS, Column
from tlbench.results.row import Row


def row_sections(row: Row) -> dict[str, dict[str, str]]:
    """Return group -> heading -> value in words, without fields that do not apply or were not reached."""
    sections = {
        group: {
            column.heading: _value(row, column) for column in COLUMNS if column.group == group and _value(row, column)
        }
        for group in GROUPS
    }
    return {group: facts for group, facts in sections.items() if facts}


def _value(row: Row, column: Column) -> str:
    value = getattr(row, column.field, None)
    if column.field == "p50_ms" and row.pending:
        return PENDING
    if value in (None, (), {}):
        return ""
    return f"{in_words(value, grouped=True)} {column.unit}" if column.unit else in_words(value)
