"""Outputs of a model -> embeddings, in numpy alone: an exported model comes with a copy of this file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Embeddings:
    """An embedding of length 1 for each clip: the sum of products of two is their similarity, the cosine."""

    outputs = (
        "An embedding of a clip. The cosine of the embeddings of two clips is their similarity, and a threshold on it "
        "divides the two answers on their speakers."
    )
    """What the outputs mean, for people who read an export's card or metadata."""
    parts = "texts"
    """What the elements of an example are that is a list of texts: no example is one."""

    def predict(self, outputs: Any, targets: Any = None) -> Any:
        """Return outputs divided by their lengths, `(M, D)` float32; those of length 0 stay so."""
        units = np.asarray(outputs.units, np.float64)
        lengths = np.sqrt(np.square(units).sum(-1, keepdims=True))
        return (units / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)

    def decide(self, outputs: Any) -> Any:
        """Return nothing: what is decided of two clips depends on a threshold, which is the user's."""
        return []

    def crop(self, outputs: Any, example: Any, prepared: Sequence[Any]) -> Any:
        """Return the outputs of a clip, which has no padding."""
        return outputs

    def parse(self, text: str) -> Any:
        """Return the text: no clip is one."""
        return text

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return the numbers of an embedding."""
        return " ".join(f"{value:.4f}" for value in np.ravel(prediction))

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the number of a clip's speaker."""
        return [f"speaker {int(target)}" for target in np.ravel(targets)]
