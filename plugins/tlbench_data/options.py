"""Options that tasks on files share."""

from __future__ import annotations

from tlbench import Option


def places(source: str, target: str, *, alone: bool = False) -> tuple[Option, Option]:
    """Return the options that name the files of the two domains; `alone` says that the source may be left out."""
    described = f"{source}. Empty: no source domain" if alone else source
    return Option(name="source", default="", summary=described), Option(name="target", default="", summary=target)
