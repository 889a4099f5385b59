"""The fixed inputs on which libraries and ours are compared."""

from __future__ import annotations

import numpy as np

RANDOM = np.random.default_rng(0)
SOURCE, TARGET = RANDOM.normal(0, 1, (60, 4)), RANDOM.normal(0.4, 1.3, (45, 4))
LABELS = (SOURCE[:, 1] + RANDOM.normal(0, 1, 60) > 0).astype(int)
DOMAINS = np.repeat([1, -2], [60, 45])
