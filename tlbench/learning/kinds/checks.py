"""Checks of raw labels that several kinds share."""

from __future__ import annotations

from collections.abc import Sequence

from tlbench.errors import BadInputError


def check_names(names: Sequence[str], what: str) -> None:
    """Raise `BadInputError` if a side names nothing that an example could have."""
    if not names:
        raise BadInputError(f"`labels` is empty: it must name {what}")
