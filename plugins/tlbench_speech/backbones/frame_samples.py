"""A raw example is a waveform `(T,)`, int16 or floats in -1..1, one channel at the source's sample rate.

This module turns it into the model's inputs, its samples and their number: it prepares training data, and goes with an
exported model to where that is served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tlbench_speech.preprocess import to_int16


def preprocessor(
    fitted: Mapping[str, Any], options: Mapping[str, Any], layout: str
) -> Callable[[Any], tuple[NDArray[np.int16], NDArray[np.int32]]]:
    """Return the function from a waveform to its samples int16 and their number int32, cut behind the longest length.

    A waveform shorter than a spectrum's window is padded with zeros. It raises `ValueError` for what is no waveform.
    """
    window, longest = int(fitted["window"]), int(fitted["longest"])

    def samples(example: Any) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
        kept = to_int16(np.asarray(example))[:longest]
        kept = np.pad(kept, (0, max(0, window - len(kept))))
        return kept, np.array(len(kept), np.int32)

    return samples
