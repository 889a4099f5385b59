"""What a row says of its training, in words: whether it fits its labels, and whether it had converged."""

from __future__ import annotations

from tlbench.results.row import Row

BY_HEART = 0.1
"""Score on the training labels above that of the test split from which on it is said."""
FALLING = 0.05
"""Relative fall of the loss from the third to the last quarter of training from which on it is said."""
FEWEST = 4
"""Mean losses without which nothing is said of their course."""


def in_words(row: Row) -> list[str]:
    """Return sentences on over- and underfitting; none for a row without a score."""
    return [sentence for sentence in (_gap(row), _loss(row)) if sentence]


def _gap(row: Row) -> str:
    if row.train_gap is None or row.eager_score is None:
        return ""
    scores = f"{row.eager_score + row.train_gap:.3f} on the labels that it was given, {row.eager_score:.3f} on the test"
    if row.train_gap >= BY_HEART:
        return f"Overfitted: {scores} split. More labels, augmentation or fewer trained weights may help."
    return f"No sign of overfitting: {scores} split."


def _loss(row: Row) -> str:
    """Return whether the loss was still falling. The rate falls to 0 at the end, so that a fall is of real progress."""
    if len(row.training_loss) < FEWEST:
        return ""
    quarter = len(row.training_loss) // 4
    last = row.training_loss[-quarter:]
    before = row.training_loss[-2 * quarter : -quarter]
    earlier, later = sum(before) / quarter, sum(last) / quarter
    if later < earlier - FALLING * abs(earlier):
        return f"The training loss was still falling at the end ({earlier:.3g} to {later:.3g}): more steps may help."
    return f"The training loss had settled ({earlier:.3g} to {later:.3g} in the second half of training)."
