"""Labels that may be one label in several spellings, or stand for a missing one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from tlbench.assets.readers.table_file import as_number
from tlbench.contract.faults import Faults

ABSENT = frozenset({"na", "n/a", "nan", "<na>", "null", "#n/a"})
"""Texts in lower case that programs write for a missing label; "none" is often a class."""
SHOWN = 5
"""Spellings of so many labels, and so many absent ones, are named."""


def note_spellings(labels: Iterable[str], faults: Faults) -> None:
    """Note labels of one domain that differ in their spelling only, and those that may stand for a missing label."""
    spellings: dict[object, list[str]] = {}
    for label in sorted(set(labels)):
        spellings.setdefault(common_spelling(label), []).append(label)
    if groups := [_listed(names) for names in spellings.values() if len(names) > 1]:
        more = f" and {len(groups) - SHOWN} more" if len(groups) > SHOWN else ""
        faults.note(
            f"Labels differ only in case, spaces, invisible characters, the form of Unicode or of numbers: "
            f"{'; '.join(groups[:SHOWN])}{more}. Each is a class of its own: if they mean the same, give them one name."
        )
    if absent := sorted(label for names in spellings.values() for label in names if label.lower() in ABSENT):
        faults.note(
            f"Examples with the label {_listed(absent[:SHOWN])} are a class: if it means that the label is missing, "
            f"remove them."
        )


def common_spelling(label: str) -> object:
    """Return what a label has in common with those that differ from it in spelling only: a number, or a text."""
    number = as_number(label)
    return _visible(label).casefold() if number is None or number != number else number


def _visible(label: str) -> str:
    text = "".join(char for char in unicodedata.normalize("NFKC", label) if unicodedata.category(char) != "Cf")
    return " ".join(text.split())


def _listed(names: Sequence[str]) -> str:
    """Return labels in quotes, with escapes for all characters but those of ASCII if they look equal."""
    distinct = len({_visible(name) for name in names}) == len(names)
    return ", ".join(f'"{name if distinct else name.encode("unicode_escape").decode()}"' for name in names)
