"""What there is to say of an interval that is drawn over few groups of examples."""

from __future__ import annotations

ENOUGH = 10
"""Groups from which on an interval over groups can be trusted: over fewer, it is often too narrow."""


def warning(groups: int | None) -> str:
    """Return a sentence on the interval of a test split of so many groups; empty if there is nothing to say."""
    if groups is None or groups >= ENOUGH:
        return ""
    of = "only one group" if groups == 1 else f"only {groups} groups"
    return f"The test interval is over {of}: it is often too narrow below {ENOUGH} groups."
