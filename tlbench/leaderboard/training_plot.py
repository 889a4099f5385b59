"""A picture of one training: its loss over the steps, and beside it the target score over the seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlbench.leaderboard.style import INK, PALETTE, grid, key, legend, level, styled, svg
from tlbench.results.row import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOUR = PALETTE[0]


def training_picture(row: Row, scratch: Row | None) -> bytes:
    """Return an SVG of a row's curves, with the score curve of its `scratch`; empty if the row has no curve.

    Raises `UsageError` if matplotlib is missing.
    """
    draws = []
    if len(row.training_loss) > 1:
        draws.append(_loss)
    if len(row.score_curve) > 1:
        draws.append(_scores)
    if not draws:
        return b""
    beside = None if scratch is None or scratch == row or not scratch.score_curve else scratch
    with styled():
        figure, panels = grid(len(draws), 2.6, columns=2)
        for panel, draw in zip(panels, draws, strict=True):
            draw(panel, row, beside)
        if _scores in draws:
            lines = [key(f"{row.strategy}, target test split", COLOUR, is_line=True)]
            lines += [key("on its training labels", COLOUR, is_line=True, dashed=True)] if row.training_scores else []
            lines += [key("scratch, target test split", INK, is_line=True)] if beside is not None else []
            legend(figure, lines)
        return svg(figure)


def _loss(panel: Axes, row: Row, scratch: Row | None) -> None:
    """Draw mean losses at the middle of the part of the steps that each is of."""
    parts = len(row.training_loss)
    steps = row.score_curve[-1][0] if row.score_curve else 0
    scale = steps or 1
    panel.plot([(part + 0.5) / parts * scale for part in range(parts)], row.training_loss, color=COLOUR, linewidth=1.6)
    panel.set_title("training loss")
    panel.set_xlabel("steps" if steps else "part of the steps")
    panel.set_xlim(0, scale)


def _scores(panel: Axes, row: Row, scratch: Row | None) -> None:
    """Draw a mark for each snapshot, also of scratch, whose last score is a level line; dashed: on training labels."""
    for one, colour in ((scratch, INK), (row, COLOUR)):
        if one is not None:
            _, seconds, scores = zip(*one.score_curve, strict=True)
            panel.plot(seconds, scores, color=colour, linewidth=1.6, marker="o", markersize=3)
    if row.training_scores:
        measured = [point[1] for point in row.score_curve]
        panel.plot(measured, row.training_scores, color=COLOUR, linewidth=1.2, linestyle="--")
    if scratch is not None:
        level(panel, scratch.score_curve[-1][2], "scratch at its end")
    panel.set_title(row.metric)
    panel.set_xlabel("seconds on the GPU" if row.device == "cuda" else "CPU seconds of adaptation")
