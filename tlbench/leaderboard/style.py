"""How pictures look: one style that is readable on white and on black, and the same bytes for the same numbers."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tlbench.errors import UsageError
from tlbench.leaderboard import wording
from tlbench.results.escapes import plain_lines
from tlbench.results.files import digest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from tlbench.leaderboard.aggregate import Entry

Ends = tuple[float | None, float | None]
WIDTH = 8.75  # inches: 840 pixels, the width of a README
INK = "#737d8a"  # as far from white as from the black of a dark page
FAINT = "#737d8a50"
PALETTE = ("#1f7fd0", "#56a8d8", "#0b9a6d", "#d55e00", "#b566b0", "#e08a00", "#9a8f00", "#d1495b")
SHADES: Mapping[tuple[str, ...], str] = {
    ("target-inputs",): PALETTE[0],
    ("target-labels",): PALETTE[3],
    ("source", "target-inputs"): PALETTE[2],
    ("source", "target-labels"): PALETTE[4],
    ("target-inputs", "target-labels"): PALETTE[6],
    (): PALETTE[7],
}
"""Colours of the usual accesses, in the order of the interactive page; any other has one by its name."""
STYLE: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 8.5,
    "grid.color": "#737d8a30",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "svg.fonttype": "none",  # text stays text: small, and found by a search
    "svg.hashsalt": "tlbench",
    "text.color": INK,
    "text.parse_math": False,  # names come from anywhere
    "xtick.color": INK,
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.color": INK,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style whatever the user's own matplotlib settings are.

    Raises `UsageError` if matplotlib is missing.
    """
    try:
        import matplotlib as mpl
    except ModuleNotFoundError as error:
        raise UsageError('Pictures need matplotlib: pip install "tlbench[plots]".') from error

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def shade(entry: Entry) -> str:
    """Return the colour of an entry: that of its access, whatever else is on the board; baselines are grey."""
    if entry.first.baseline:
        return INK
    known = SHADES.get(entry.access)
    return known or PALETTE[int(digest(list(entry.access)), 16) % len(PALETTE)]


def grid(count: int, height: float, columns: int = 3) -> tuple[Figure, list[Axes]]:
    """Return a figure with a number of panels, each `height` inches high."""
    from matplotlib.figure import Figure

    columns = min(count, columns)
    lines = -(-count // columns)
    figure = Figure(figsize=(WIDTH, lines * height + 0.3), layout="constrained")
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for spare in axes[count:]:
        spare.remove()
    return figure, axes[:count]


def side_by_side(height: float, widths: Sequence[float]) -> tuple[Figure, list[Axes]]:
    """Return a figure of that many inches with panels beside each other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, list(figure.subplots(1, len(widths), width_ratios=widths))


def guide(panel: Axes, x: float) -> None:
    """Draw a faint upright line that points are read against."""
    panel.axvline(x, color=FAINT, linewidth=1, linestyle="--", zorder=0)


def level(panel: Axes, y: float, label: str) -> None:
    """Draw a faint level line that points are read against, with its name at the right."""
    panel.axhline(y, color=FAINT, linewidth=1, linestyle="--", zorder=0)
    place = panel.get_yaxis_transform()
    panel.text(0.99, y, label, transform=place, fontsize=7.5, va="bottom", ha="right")


def band(panel: Axes, x: Sequence[float], ends: Sequence[Ends], colour: str) -> None:
    """Shade what lies between two lines, where both are known."""
    known = [(at, *map(float, _known(pair))) for at, pair in zip(x, ends, strict=True) if None not in pair]
    places, lows, highs = ([part[i] for part in known] for i in range(3))
    panel.fill_between(places, lows, highs, color=colour, alpha=0.12, linewidth=0)


def point(
    panel: Axes,
    x: float | None,
    y: float | None,
    colour: str,
    shape: str = "o",
    *,
    hollow: bool = False,
    size: float = 5.5,
) -> None:
    """Draw a point, where both of its numbers are known."""
    if x is not None and y is not None:
        panel.plot([x], [y], shape, color=colour, markersize=size, markerfacecolor="none" if hollow else colour)


def line(panel: Axes, x: Ends, y: Ends, colour: str, width: float = 1.6) -> None:
    """Draw a line from one end to the other, where both are known."""
    xs, ys = _known(x), _known(y)
    if len(xs) == len(ys) == 2:
        panel.plot(xs, ys, color=colour, linewidth=width, zorder=1.5)


def strokes(panel: Axes, values: Iterable[float | None], height: float, colour: str, size: float = 4) -> None:
    """Draw small upright strokes side by side."""
    known = _known(values)
    panel.plot(known, [height] * len(known), "|", color=colour, markersize=size)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def key(
    label: str,
    colour: str = INK,
    shape: str = "o",
    *,
    hollow: bool = False,
    is_line: bool = False,
    dashed: bool = False,
) -> Line2D:
    """Return a line of a legend."""
    from matplotlib.lines import Line2D

    return Line2D(
        [],
        [],
        color=colour,
        label=label,
        linestyle=("--" if dashed else "-") if is_line else "none",
        marker="" if is_line else shape,
        markerfacecolor="none" if hollow else colour,
        markersize=5.5,
    )


def access_keys(entries: Sequence[Entry]) -> list[Line2D]:
    """Return a legend's keys: each access with its colour, without baselines."""
    shown = {wording.block(entry): shade(entry) for entry in entries if not entry.first.baseline}
    return [key(access, colour) for access, colour in sorted(shown.items())]


def legend(figure: Figure, keys: Sequence[Line2D], columns: int = 8) -> None:
    """Put a legend below all panels."""
    figure.legend(handles=list(keys), loc="outside lower center", ncols=min(len(keys), columns), columnspacing=1.4)


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG without a date; its texts are all visible."""
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return plain_lines(stream.getvalue().decode()).encode()


def show_in_notebooks(figure: Figure) -> None:
    """Let a notebook show a figure that pyplot does not know."""
    setattr(figure, "_repr_png_", functools.partial(_png, figure))  # noqa: B010 - matplotlib's type has no such name


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()
