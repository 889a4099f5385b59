"""An example is a sequence of prepared arrays, one for each input of the model, without the batch axis.

The backbone gives its preprocessing to no export, so examples must be prepared where it is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[Any, ...]]:
    """Return the function that takes a sequence of arrays as it is."""
    return lambda example: tuple(map(np.asarray, example))
