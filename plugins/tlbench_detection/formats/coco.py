"""Boxes in a JSON file of COCO (https://cocodataset.org/#format-data)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tlbench import BadInputError, Faults
from tlbench.assets import Labelled, leads_outside, quoted, split_word
from tlbench_detection.formats.boxed import Boxed, NamedBox, flag_of, number_of, read_annotations

FORM = (
    'expected {"images": [{"id": 1, "file_name": "a.jpg"}], "categories": [{"id": 1, "name": "car"}], "annotations": '
    '[{"id": 1, "image_id": 1, "category_id": 1, "bbox": [left, top, width, height]}]}'
)
FOLDERS = ("", "images", "../images", "../{split}", "../images/{split}", "images/{split}", "data", "{split}")
"""Where the images may lie, from the folder of the file; `{split}` is what is named as the file; see `_split_names`."""
Content = Mapping[str, Any]
"""What a JSON file of COCO holds."""


def coco_content(path: Path) -> Content | None:
    """Return the content of a JSON file that has the keys of COCO, else None."""
    try:
        content = _parsed(path)
    except BadInputError:
        return None
    return content if isinstance(content, dict) and {"images", "annotations"} <= set(content) else None


def read_coco(path: Path, faults: Faults, content: Content | None = None) -> Labelled[Boxed]:
    """Return the images of a file with their boxes; crowds are kept as such, and images may have no box.

    `content` is that of the file, if it is known. Raises `BadInputError` for a file of another form.
    """
    content = _checked(path, _parsed(path) if content is None else content)
    names = _by_id(path, content, "categories", faults)
    images = _by_id(path, content, "images", faults)
    boxes: dict[Any, list[NamedBox]] = {key: [] for key in images}
    for where, one in _annotations(path, content, faults):
        for key, box in faults.attempt(lambda item: _box(*item, names, images), (where, one)):
            boxes[key].append(box)
    files = _Files(path)
    read = []
    for key, image in images.items():
        where = f'"{path}", image {key}'
        for boxed in faults.attempt(lambda item: _image(item, files), (where, image, tuple(boxes[key]))):
            read.append(boxed)
            faults.locate(boxed, boxed.image)
    _note_same_files(path, read, faults)
    return Labelled(where=path, inputs=read, labels=[""] * len(read), tables=(path,), faults=faults)


def _parsed(path: Path) -> Any:
    try:
        return json.loads(read_annotations(path))
    except (ValueError, RecursionError) as error:
        raise BadInputError(f'"{path}" is no JSON ({error}): {FORM}.') from error


def _checked(path: Path, content: Any) -> Content:
    keys = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in keys):
        raise BadInputError(f'"{path}" is no file of COCO: {FORM}.')
    return content


def _by_id(path: Path, content: Content, key: str, faults: Faults) -> dict[Any, Mapping[str, Any]]:
    """Return entries by their `id`; an entry without one, or with that of another, is refused."""
    entries: dict[Any, Mapping[str, Any]] = {}
    text = {"images": "file_name", "categories": "name"}[key]
    for place, entry in enumerate(content[key], 1):
        known = isinstance(entry, dict) and isinstance(entry.get("id"), int | str) and isinstance(entry.get(text), str)
        if not known:
            faults.refuse(f'"{path}", entry {place} of "{key}": expected an "id" and a text "{text}".')
        elif entry["id"] in entries:
            faults.refuse(f'"{path}", entry {place} of "{key}": the id {entry["id"]} is there twice: number them anew.')
        else:
            entries[entry["id"]] = entry
    if key == "categories" and len({entry["name"] for entry in entries.values()}) < len(entries):
        faults.refuse(f'"{path}": two categories have the same name: rename or join them.')
    return entries


def _annotations(path: Path, content: Content, faults: Faults) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the entries of "annotations" with their places."""
    seen = set()
    for place, entry in enumerate(content["annotations"], 1):
        where = f'"{path}", entry {place} of "annotations"'
        if not isinstance(entry, dict):
            faults.refuse(f'{where}: expected {{"image_id": ..., "category_id": ..., "bbox": [...]}}.')
            continue
        number = entry.get("id")
        if number is not None and str(number) in seen:
            faults.refuse(f"{where}: the id {number} is there twice: number the annotations anew.")
        seen.add(str(number))
        yield where, entry


def _box(
    where: str, entry: Mapping[str, Any], names: Mapping[Any, Any], images: Mapping[Any, Any]
) -> tuple[Any, NamedBox]:
    image, category, bbox = entry.get("image_id"), entry.get("category_id"), entry.get("bbox")
    for value, known, what in ((image, images, "image"), (category, names, "category")):
        if not isinstance(value, int | str) or value not in known:
            ids = quoted([str(one) for one in known])
            raise BadInputError(f'{where}: unknown {what} {value!r:.40}: expected the "id" of one, such as {ids}.')
    if not isinstance(bbox, list) or len(bbox) != 4:
        raise BadInputError(f'{where}: "bbox" is {bbox!r:.40}; expected [left, top, width, height] in pixels.')
    try:
        left, top, width, height = map(number_of, bbox)
    except BadInputError as error:
        raise BadInputError(f'{where}: {error} in "bbox": expected [left, top, width, height] in pixels.') from error
    try:
        crowd = flag_of(entry.get("iscrowd", 0))
    except BadInputError as error:
        raise BadInputError(f'{where}: "iscrowd" {error}: use 1 for a region with many things, else 0.') from error
    name = str(names[category]["name"])
    return image, NamedBox(name, left, top, left + width, top + height, crowd, where)


class _Files:
    """Finds the images of a file, whose names may begin in one of several folders."""

    def __init__(self, path: Path) -> None:
        places = [name.format(split=split) for name in FOLDERS for split in _split_names(path.stem)]
        self._folders = [path.parent / name for name in dict.fromkeys(places)]

    def find(self, name: str, where: str) -> Path:
        """Return the path of an image. Raises `BadInputError` if it is not there, or leads out of the data."""
        if leads_outside(name):
            raise BadInputError(f'{where}: "{name}" leads out of the folder: use a path below it.')
        for path in (folder / name for folder in self._folders):
            try:
                if path.is_file():
                    return path
            except OSError as error:  # such as a name that is too long
                raise BadInputError(f'{where}: "{name:.40}" cannot be read ({error.strerror}): rename it.') from error
        looked = quoted(list(dict.fromkeys(str(folder) for folder in self._folders[:3])))
        raise BadInputError(f'{where}: "{name}" does not exist in {looked}: add the file, or remove the entry.')


def _split_names(stem: str) -> list[str]:
    """Return what a folder of images may be called: for `instances_train2017` also `train2017` and `train`."""
    short = stem.removeprefix("instances_")
    bare = short.rstrip("0123456789")
    return list(dict.fromkeys(name for name in (short, bare, f"{bare}2017", split_word(stem), stem) if name))


def _image(item: tuple[str, Mapping[str, Any], tuple[NamedBox, ...]], files: _Files) -> Boxed:
    where, entry, boxes = item
    width, height = entry.get("width"), entry.get("height")
    size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    return Boxed(files.find(str(entry["file_name"]), where), boxes, size, where, fields=entry)


def _note_same_files(path: Path, read: list[Boxed], faults: Faults) -> None:
    seen: set[Path] = set()
    for boxed in read:
        if boxed.image in seen:
            faults.refuse(f'"{path}": two images have the file "{boxed.image}": join their boxes under one id.')
        seen.add(boxed.image)
