"""An image with its boxes, as a file of annotations has it, and the checks that all formats share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tlbench import BadInputError, Faults
from tlbench.assets import check_file, quoted

BORDER = 1.0
"""Pixels by which a box may lie outside of its image: some tools count pixels from 1. It is cut at the border."""
LEAST = 1e-6
"""Part of an image's width and height that a box must have: smaller ones have no area in float32."""


@dataclass(frozen=True)
class NamedBox:
    """A box in pixels; left and top are of its first pixel, right and bottom behind its last."""

    label: str
    left: float
    top: float
    right: float
    bottom: float
    crowd: bool = False
    """Whether it holds things that were not marked one by one."""
    where: str = ""
    """Its place in the file, for messages."""
    relative: bool = False
    """Whether the corners are parts of width and height."""

    def corners(self) -> tuple[float, float, float, float]:
        """Return left, top, right and bottom."""
        return self.left, self.top, self.right, self.bottom


@dataclass(frozen=True)
class Boxed:
    """An image and what is in it."""

    image: Path
    boxes: tuple[NamedBox, ...]
    size: tuple[int, int] | None = None
    """Width and height that the annotations give; None: they give none."""
    where: str = ""
    """The annotations' file and the entry of the image, for messages."""
    annotations: Path | None = None
    """The file with the boxes of this image alone, if there is one."""
    fields: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """The fields of the image in its annotations, such as `date_captured` of COCO and `folder` of Pascal VOC."""


def read_annotations(path: Path) -> str:
    """Return the text of a file of annotations. Raises `BadInputError` for a file that is too large or no UTF-8."""
    check_file(path, "text")
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f'"{path}" cannot be read ({error}): save it as UTF-8.') from error


def relative_boxes(
    boxed: Boxed, width: int, height: int, labels: Sequence[str], faults: Faults
) -> list[tuple[float, ...]]:
    """Return class, left, top, right, bottom as parts of width and height, and whether it is a crowd, for each box.

    Boxes that make no sense are refused; when faults are collected, they are left out. A crowd of a class without a
    training box is left out with a note: nothing of that class can be found.
    """
    rows = []
    for box in boxed.boxes:
        scale = (1.0, 1.0) if box.relative else (float(width), float(height))
        corners = _within(box, scale, (BORDER * scale[0] / width, BORDER * scale[1] / height))
        if fault := _fault(box, corners, labels, width, height):
            faults.refuse(f"{box.where}: {fault}")
        elif box.label not in labels:
            faults.note(f'Crowds of the class "{box.label}" are left out: no training box has it.', boxed.image)
        elif corners is not None:
            parts = [corner / side for corner, side in zip(corners, (*scale, *scale), strict=True)]
            rows.append((labels.index(box.label), *parts, box.crowd))
    return rows


def _within(box: NamedBox, size: tuple[float, float], border: tuple[float, float]) -> tuple[float, ...] | None:
    """Return the corners, cut at the border of an image; None for a box that lies outside by more than `border`."""
    left, top, right, bottom = box.corners()
    (width, height), (x, y) = size, border
    if left < -x or top < -y or right > width + x or bottom > height + y:
        return None
    return max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height)


def _fault(box: NamedBox, corners: tuple[float, ...] | None, labels: Sequence[str], width: int, height: int) -> str:
    """Return what is wrong with a box, or an empty string."""
    shown = ", ".join(f"{corner:g}" for corner in box.corners())
    if not all(map(math.isfinite, box.corners())):
        return f'the box "{shown}" has a number that is not finite: correct it.'
    if box.right <= box.left or box.bottom <= box.top:
        return f'the box "{shown}" (left, top, right, bottom) has no area: correct or remove it.'
    if corners is None:
        unit = "parts of width and height, 0 to 1" if box.relative else f"an image of {width} x {height} pixels"
        return f'the box "{shown}" (left, top, right, bottom) lies outside of its image: expected {unit}. Correct it.'
    least_x, least_y = (LEAST, LEAST) if box.relative else (LEAST * width, LEAST * height)
    if corners[2] - corners[0] < least_x or corners[3] - corners[1] < least_y:
        return f'the box "{shown}" (left, top, right, bottom) has no area within its image: correct or remove it.'
    if box.label not in labels and not box.crowd:
        return (
            f'unknown class "{box.label}": expected one of the training boxes, {quoted(labels)}. Rename it, or add '
            f"training images with it."
        )
    return ""


def number_of(value: object) -> float:
    """Return a JSON value or a text as a number. Raises `BadInputError` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise BadInputError(f"{value!r:.40} is no number")
    try:
        return float(value)
    except (ValueError, OverflowError) as error:
        raise BadInputError(f'"{value!s:.40}" is no number') from error


def flag_of(value: object) -> bool:
    """Return 0, 1, false or true as a bool. Raises `BadInputError` for anything else, such as the text "0"."""
    if value in (0, 1):
        return bool(value)
    raise BadInputError(f"{value!r:.40} is neither 0 nor 1")
