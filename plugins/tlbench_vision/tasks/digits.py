"""Digits or capitals drawn from fonts as the source, handwritten digits as the target, all of 8 x 8 pixels.

The data is the same for every seed.
"""

from __future__ import annotations

from string import ascii_uppercase

import numpy as np

from tlbench import LoadRequest, Side, Split, TaskData
from tlbench_vision.tasks.fonts import printed

DIGITS = tuple("0123456789")
TARGET_TRAIN = 1000


def load(request: LoadRequest) -> TaskData:
    """Draw 2,000 and 600 digits, and read the target."""
    source = printed(DIGITS, 2000, 600, np.random.default_rng(20240607))
    return TaskData(source=source, target=handwritten())


def load_capitals(request: LoadRequest) -> TaskData:
    """Draw 2,600 and 780 capitals, and read the target."""
    source = printed(tuple(ascii_uppercase), 2600, 780, np.random.default_rng(20240608))
    return TaskData(source=source, target=handwritten())


def handwritten() -> Side:
    """Read scikit-learn's 1,797 digits `(8, 8, 1)` uint8, 1,000 of them for training."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = (digits.images * (255 / 16)).round().astype(np.uint8)[..., None]
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:TARGET_TRAIN], order[TARGET_TRAIN:]
    return Side(
        labels=DIGITS,
        train=Split(inputs=images[train], labels=digits.target[train]),
        test=Split(inputs=images[test], labels=digits.target[test]),
    )
