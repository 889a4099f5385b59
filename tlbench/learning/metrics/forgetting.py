"""How much of the source is lost by an adaptation."""

from __future__ import annotations


def forgetting(before: float, after: float) -> float:
    """Return the loss of source score, R[0, S] - R[1, S]; positive is loss, never clipped.

    At two stages it equals the forgetting of Chaudhry et al. 2018 (arXiv:1801.10112) and the negated backward
    transfer of Lopez-Paz & Ranzato 2017 (arXiv:1706.08840).
    """
    return before - after
