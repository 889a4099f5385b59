"""Names beside points, where they hide no point and no other name."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

Named = tuple[float, float, str]
"""A point in the numbers of its panel, and its name."""
SIZE = 6.5
"""Points of a letter."""
NEAR, FURTHER = 1, 2.2
"""Distances of a name from its point; the first is tried on all sides before the second."""
SIDES: Sequence[Mapping[str, Any]] = (
    {"xytext": (4, 2), "ha": "left", "va": "bottom"},
    {"xytext": (-4, 2), "ha": "right", "va": "bottom"},
    {"xytext": (4, -2), "ha": "left", "va": "top"},
    {"xytext": (-4, -2), "ha": "right", "va": "top"},
    {"xytext": (0, 5), "ha": "center", "va": "bottom"},
    {"xytext": (0, -5), "ha": "center", "va": "top"},
)
"""Where a name may stand, in points from its point, the best place first."""


def name_points(figure: Figure, wanted: Iterable[tuple[Axes, Sequence[Named]]]) -> None:
    """Write the names of points of a finished figure; one for which there is no free place in its panel is left out."""
    figure.draw_without_rendering()  # Panels get their places.
    for panel, named in wanted:
        inside = panel.get_window_extent()
        taken = [*_marks(panel, figure.dpi), *(text.get_window_extent() for text in panel.texts)]
        for x, y, name in named:
            for how in _places():
                text = panel.annotate(name, (x, y), textcoords="offset points", fontsize=SIZE, **how)
                box = text.get_window_extent()
                if _contains(inside, box) and not any(box.overlaps(other) for other in taken):
                    taken.append(box)
                    break
                text.remove()


def _places() -> Iterator[Mapping[str, Any]]:
    for distance, how in itertools.product((NEAR, FURTHER), SIDES):
        across, up = how["xytext"]
        yield {**how, "xytext": (distance * across, distance * up)}


def _marks(panel: Axes, dpi: float) -> Iterator[Bbox]:
    """Yield the boxes of the points of a panel, in pixels."""
    from matplotlib.transforms import Bbox

    for line in panel.lines:
        if line.get_marker() not in ("", "None", None):
            half = float(line.get_markersize()) / 2 * dpi / 72
            for x, y in line.get_transform().transform(line.get_xydata()):
                yield Bbox.from_extents(x - half, y - half, x + half, y + half)


def _contains(outer: Bbox, inner: Bbox) -> bool:
    return bool(outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1)
