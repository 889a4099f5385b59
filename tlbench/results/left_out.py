"""Warnings of what is left out: by name, and no more than people read."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from types import TracebackType

MOST = 20


@dataclass
class LeftOut:
    """Warns of the first `MOST` things that are left out, and at the end of how many there are besides."""

    count: int = 0

    def note(self, sentence: str) -> None:
        self.count += 1
        if self.count <= MOST:
            warnings.warn(sentence, stacklevel=3)

    def __enter__(self) -> LeftOut:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None and self.count > MOST:
            warnings.warn(f"{self.count - MOST} further results are left out.", stacklevel=3)
