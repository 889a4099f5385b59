"""Boxes in XML files of Pascal VOC, one for each image (http://host.robots.ox.ac.uk/pascal/VOC/)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlbench import BadInputError, Faults
from tlbench.assets import Labelled
from tlbench_detection.formats.boxed import Boxed, NamedBox, flag_of, number_of, read_annotations

FORM = (
    "expected <annotation><object><name>car</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
    "</bndbox></object></annotation>"
)

MOST_DIGITS = 9
"""Of an image's width and height."""
FLAGS = {"": 0, "0": 0, "false": 0, "1": 1, "true": 1}
"""Texts of <difficult>, in lower case."""


def read_voc(where: Path, pairs: Sequence[tuple[Path, Path | None]], faults: Faults) -> Labelled[Boxed]:
    """Return images with the boxes of their XML files; an image without such a file has no box.

    Objects marked as difficult are crowds: the evaluation of Pascal VOC does not count them.
    """
    read = []
    for image, path in pairs:
        for boxed in faults.attempt(lambda pair: _image(*pair, faults), (image, path)):
            read.append(boxed)
            faults.locate(boxed, image)
    return Labelled(where=where, inputs=read, labels=[""] * len(read), faults=faults)


def _image(image: Path, path: Path | None, faults: Faults) -> Boxed:
    if path is None:
        return Boxed(image, (), None, f'"{image}"')
    root = _parsed(path)
    boxes: list[NamedBox] = []
    for place, item in enumerate(root.findall("object"), 1):
        boxes += faults.attempt(lambda one: _box(*one), (f'"{path}", object {place}', item))
    width, height = (_side(path, name, (root.findtext(f"size/{name}") or "").strip()) for name in ("width", "height"))
    fields = {child.tag: child.text for child in root if not len(child)}
    return Boxed(image, tuple(boxes), (width, height) if width and height else None, f'"{path}"', path, fields)


def _side(path: Path, name: str, text: str) -> int:
    """Return the width or height of an image; 0 if it is not known: some tools write 0 then, others nothing."""
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise BadInputError(f'"{path}": <{name}> is "{text:.40}"; expected a whole number of pixels. Correct it.')
    return int(text)


def _parsed(path: Path) -> Any:
    """Return the root of an XML file. Entities and document types are refused: they may expand or read other files."""
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    try:
        root = fromstring(read_annotations(path), forbid_dtd=True)
    except DefusedXmlException as error:
        raise BadInputError(f'"{path}" has a document type or entities: remove them.') from error
    except (ParseError, ValueError) as error:
        raise BadInputError(f'"{path}" is no XML ({error}): {FORM}.') from error
    if root.tag != "annotation":
        raise BadInputError(f'"{path}" begins with <{root.tag:.40}>: {FORM}.')
    return root


def _box(where: str, item: Any) -> NamedBox:
    name = (item.findtext("name") or "").strip()
    if not name:
        raise BadInputError(f"{where}: it has no <name>: {FORM}.")
    corners = []
    for side in ("xmin", "ymin", "xmax", "ymax"):
        text = item.findtext(f"bndbox/{side}")
        if text is None:
            raise BadInputError(f"{where}: its <bndbox> has no <{side}>: {FORM}.")
        try:
            corners.append(number_of(text.strip()))
        except BadInputError as error:
            raise BadInputError(f"{where}: <{side}> {error}: use pixels.") from error
    left, top, right, bottom = corners
    return NamedBox(name, left, top, right, bottom, _difficult(where, item), where)


def _difficult(where: str, item: Any) -> bool:
    text = (item.findtext("difficult") or "").strip()
    try:
        return flag_of(FLAGS.get(text.lower(), text))
    except BadInputError as error:
        raise BadInputError(
            f"{where}: <difficult> {error}: use 1 for an object that must not count, else 0."
        ) from error
