from __future__ import annotations

import numpy as np
import pytest

from tlbench.errors import BadInputError
from tlbench.learning.kinds import Regression
from tlbench.learning.precision import FEATURE_LOSS, lost, standardise_lost

SECONDS = 1_700_000_000 + np.arange(60.0)
"""Float32 has steps of 128 here."""


def columns(*values):
    return np.stack([np.broadcast_to(np.asarray(value, np.float64), 60) for value in values], 1)


def test_a_column_is_lost_where_its_differences_are_small_beside_its_size():
    random = np.random.default_rng(0).normal(size=60)
    values = columns(SECONDS, random, 1e6 + random, 100 + random, 1e-50 * random, 1e39 * random)
    assert lost(values, FEATURE_LOSS).tolist() == [True, False, True, False, True, True]


def test_constants_rounding_and_what_is_missing_are_no_loss():
    rounding = 1e9 * (1 + 2e-16 * np.arange(60))
    gaps = np.where(np.arange(60) % 2, np.nan, np.arange(60))
    values = columns(1.7e9 + 1 / 3, 0.1, rounding, gaps, np.nan)
    assert not lost(values, FEATURE_LOSS).any()


def test_numbers_that_are_float32_are_never_lost():
    """So that arrays of tasks which give float32 stay as they are, to the bit."""
    values = (1.7e9 + 1000 * np.random.default_rng(0).normal(size=(50, 3))).astype(np.float32)
    assert standardise_lost(values) == {"shift": [0.0] * 3, "unit": [1.0] * 3}


def test_a_lost_column_is_standardised_and_the_others_stay():
    narrow = standardise_lost(columns(SECONDS, np.arange(60)))
    assert (narrow["shift"][1], narrow["unit"][1]) == (0, 1)
    scaled = ((SECONDS - narrow["shift"][0]) / narrow["unit"][0]).astype(np.float32)
    assert len(set(scaled.tolist())) == 60
    assert (scaled.mean(), scaled.std()) == pytest.approx((0, 1), abs=1e-6)


def test_targets_that_float32_would_blur_are_refused():
    kind = Regression()
    assert kind.targets(columns(1e5 + np.arange(60)), ["price"]).values.dtype == np.float32
    with pytest.raises(BadInputError, match='the numbers "time" differ too little for float32'):
        kind.targets(columns(np.arange(60), SECONDS), ["price", "time"])
