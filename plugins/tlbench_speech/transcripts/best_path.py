"""Outputs of a recogniser -> transcripts, in numpy alone: an exported model comes with a copy of this file.

A transcript is the best path of connectionist temporal classification (Graves et al. 2006): the best output of each
frame, equal neighbours taken together, without blanks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BLANK = 0
"""The output that stands for no character; that of character c is c + 1."""
UNKNOWN = "\ufffd"
"""A character of a test transcript that the alphabet lacks: no output stands for it."""


class BestPath:
    """The characters of a recording."""

    outputs = (
        "For each frame a number for blank, then one for each character; their softmax gives the probabilities. The "
        "transcript is the best of each frame, equal neighbours taken together, without blanks."
    )
    """What the outputs mean, for people who read an export's card or metadata."""
    parts = "texts"
    """What the elements of an example are that is a list of texts."""

    def predict(self, outputs: Any, targets: Any = None) -> list[Any]:
        """Return the characters `(K,)` int64 of each example, as positions in the alphabet; it may have none."""
        return [_collapsed(frames.argmax(-1)) for frames in outputs.split()]

    def decide(self, outputs: Any) -> list[Any]:
        """Return what parity compares exactly: the transcript of each example."""
        return self.predict(outputs)

    def crop(self, outputs: Any, example: Any, prepared: Sequence[Any]) -> Any:
        """Return the frames `(T, C)` that come from the recording itself, without those of padding.

        The model inputs are the samples `(S,)` and, of an encoder that pads to one length, how many are the
        recording's own: as many frames in proportion, rounded up, are.
        """
        if len(prepared) < 2:
            return outputs
        samples, own = len(prepared[0]), int(prepared[1])
        return outputs[: max(1, -(-len(outputs) * own // samples))]

    def parse(self, text: str) -> Any:
        """Return the raw example that a text file holds: none, for a recording is no text."""
        raise ValueError("A recording is a sound file or an array of samples, not a text.")

    def describe(self, prediction: Any, example: Any, labels: Sequence[str]) -> str:
        """Return the transcript."""
        return text_of(prediction, labels)

    def name(self, targets: Any, labels: Sequence[str]) -> list[str]:
        """Return the transcript of one example."""
        return [text_of(targets, labels)]


def _collapsed(path: Any) -> Any:
    """Return the characters of a path `(T,)`: repetitions are taken together before blanks go."""
    import numpy as np

    starts = np.diff(path, prepend=-1) != 0
    return (path[starts & (path != BLANK)] - 1).astype(np.int64)


def text_of(characters: Any, labels: Sequence[str]) -> str:
    """Return positions in an alphabet `(K,)` as text, with one space between words; those behind it are `UNKNOWN`."""
    signs = (*labels, UNKNOWN)
    return " ".join("".join(signs[int(place)] for place in characters).split())
