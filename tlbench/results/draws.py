"""The scores of resampled test sets that lie beside a row: read back without metrics, and without its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.errors import StoreError
from tlbench.results.files import file_sha256
from tlbench.results.prediction_files import read_array
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.contract.task_data import Array

SLACK = 1e-6
"""Width that rounding to float32 may give a difference that is the same in all draws."""
FEWEST, MOST = 100, 100_000
"""Numbers of draws of which a quantile is taken."""


class BoardDraws:
    """The draws of the rows of a board, each read once; rows of no board have none."""

    def __init__(self, board: Path | None = None) -> None:
        self._board = board
        self._known: dict[tuple[str, str], Array | None] = {}

    def of(self, row: Row) -> Array | None:
        """Return the scores `(D,)` of a row on resampled test sets, NaN for one without a score; None if it has none.

        What lies beside it must have the hash that the row has of its predictions.
        """
        if self._board is None or row.predictions_sha256 is None:
            return None
        name = row.file_name, row.predictions_sha256
        if name not in self._known:
            path = (self._board / "rows" / row.file_name).with_suffix(".npz")
            self._known[name] = read_draws(path, row.predictions_sha256)
        return self._known[name]


def half_width_of_difference(drawn: Sequence[tuple[Array, Array]]) -> float | None:
    """Return the half-width of the 95 % interval of a mean difference over test examples.

    `drawn` has for each seed the scores `(D,)` of two models on the same resampled test sets. None if their numbers
    differ, if too few have a score, or if the difference is the same in all: such draws say nothing of its error.
    """
    import numpy as np

    if len({len(draws) for both in drawn for draws in both}) != 1:
        return None
    mean = np.asarray(np.mean([one - other for one, other in drawn], axis=0, dtype=np.float64))
    known = mean[~np.isnan(mean)]
    if len(known) < FEWEST:
        return None
    low, high = (float(np.quantile(known, tail)) for tail in (0.025, 0.975))
    return (high - low) / 2 if high - low > SLACK else None


def read_draws(path: Path, sha256: str) -> Array | None:
    """Return the draws in a file of predictions, float32 `(D,)`; None if it has none, is damaged or another one."""
    import numpy as np

    try:
        # Opening a pipe would wait for somebody to write into it.
        if not path.is_file() or file_sha256(path) != sha256:
            return None
        draws = read_array(path, "draws", 4 * MOST + 1000)
    except (OSError, StoreError):
        return None
    valid = draws.dtype == np.float32 and draws.ndim == 1 and FEWEST <= len(draws) <= MOST
    return draws if valid and not np.isinf(draws).any() else None
