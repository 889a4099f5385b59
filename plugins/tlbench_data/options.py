"""Options that tasks on files share."""

from __future__ import annotations

from tlbench import Option


def places(source: str, target: str) -> tuple[Option, Option]:
    """Return the options that name the files of the two domains."""
    return Option(name="source", default="", summary=source), Option(name="target", default="", summary=target)
