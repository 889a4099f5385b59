"""What float32, in which models compute, leaves of numbers that are large beside their differences."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from tlbench.contract.task_data import Array
from tlbench.errors import BadInputError

FEATURE_LOSS, TARGET_LOSS = 1e-4, 1e-2
"""Parts of a standard deviation that a number may change by: a feature can be standardised before, a target cannot."""
NOISE = 1e-12
"""A standard deviation that is a smaller part of the mean is rounding of float64."""


def lost(values: Array, part: float) -> Array:
    """Return `(C,)` bool: columns of `(N, C)` that float32 changes by more than a part of their standard deviation."""
    wide = np.ma.masked_invalid(np.asarray(values, np.float64))
    mean, spread = wide.mean(0).filled(0.0), wide.std(0).filled(0.0)
    with np.errstate(over="ignore"):
        change = np.ma.abs(wide - wide.astype(np.float32).astype(np.float64)).max(0)
    return np.asarray((np.ma.filled(change, 0.0) > part * spread) & (spread > NOISE * np.abs(mean)))


def check_targets(values: Array, names: Sequence[str]) -> None:
    """Raise `BadInputError` for named columns of targets `(N, C)` that float32 would blur."""
    for name in itertools.compress(names, lost(values, TARGET_LOSS)):
        raise BadInputError(
            f'the numbers "{name}" differ too little for float32, in which models compute: subtract what all have in '
            f"common, the same in both domains"
        )


def standardise_lost(values: Array) -> dict[str, list[float]]:
    """Return `shift` and `unit`, `(C,)` each: `(values - shift) / unit` fits into float32.

    0 and 1 but for columns that float32 would blur, which take their mean and standard deviation.
    """
    blurred = lost(values, FEATURE_LOSS)
    finite = np.ma.masked_invalid(np.asarray(values, np.float64))
    mean, spread = finite.mean(0).filled(0.0), finite.std(0).filled(1.0)
    return {
        "shift": np.where(blurred, mean, 0.0).tolist(),
        "unit": np.where(blurred, spread, 1.0).tolist(),
    }
