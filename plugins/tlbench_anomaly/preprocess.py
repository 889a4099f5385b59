"""A raw example is a row `(F,)` of numbers, one for each feature; NaN stands for what is missing.

This module turns it into the model's input and imports numpy alone: it prepares training data, and goes with an
exported model to where that is served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.float32]]]:
    """Return the function from a row to `(F,)` float32; the column's source mean stands for what is missing.

    `shift` and `unit` of a column are applied in float64, before float32 could blur it.
    It raises `ValueError` for a row of other columns.
    """
    mean = np.asarray(fitted["mean"], np.float32)
    shift, unit = np.asarray(fitted["shift"]), np.asarray(fitted["unit"])

    def row(example: Any) -> tuple[NDArray[np.float32]]:
        values = np.asarray(example, np.float64)
        if values.shape != mean.shape:
            raise ValueError(
                f'Invalid row {values.shape} for "tabular/mlp": expected the {len(mean)} columns of the training data.'
            )
        scaled = ((values - shift) / unit).astype(np.float32)
        return (np.where(np.isnan(scaled), mean, scaled),)

    return row
