"""Boxes in XML files of Pascal VOC, one for each image (http://host.robots.ox.ac.uk/pascal/VOC/)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlbench import BadInputError, Faults
from tlbench.assets import Labelled
from tlbench_detection.formats.boxed import Boxed, NamedBox, number_of, read_annotations

FORM = (
    "expected <annotation><object><name>car</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
    "</bndbox></object></annotation>"
)


def read_voc(where: Path, pairs: Sequence[tuple[Path, Path | None]], faults: Faults) -> Labelled[Boxed]:
    """Return images with the boxes of their XML files; an image without such a file has no box."""
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
    sides = [root.findtext(f"size/{name}") for name in ("width", "height")]
    size = tuple(int(side) for side in sides if side and side.strip().isdigit())
    # Some tools write 0 for a size that they do not know.
    known = (size[0], size[1]) if len(size) == 2 and all(size) else None
    return Boxed(image, tuple(boxes), known, f'"{path}"')


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
    return NamedBox(name, left, top, right, bottom, where=where)
