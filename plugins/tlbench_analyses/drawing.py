"""Pictures of analyses, as the bytes of a PNG file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def bars(numbers: Mapping[str, float], title: str, limits: tuple[float, float] | None = None) -> bytes:
    """Return a horizontal bar for each number, the first on top."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 1 + 0.25 * len(numbers)), layout="constrained")
    axes = figure.subplots()
    axes.barh(list(numbers), list(numbers.values()))
    axes.invert_yaxis()
    axes.set_title(title)
    if limits:
        axes.set_xlim(*limits)
    return png(figure)


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG without a time or version, so that the same figure gives the same bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120, metadata={"Software": None})
    return stream.getvalue()
