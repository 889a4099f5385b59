"""Boxes in text files of YOLO, one for each image: lines of a class's number, centre, width and height in 0..1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tlbench import BadInputError, Faults
from tlbench.assets import Labelled, list_folder, quoted
from tlbench_detection.formats.boxed import Boxed, NamedBox, number_of, read_annotations

NAME_FILES = ("classes.txt", "obj.names", "data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
YAML = (".yaml", ".yml")
FORM = "expected a line of five numbers for each box: class, centre x, centre y, width, height, the last four 0 to 1"


def names_file(folders: Iterable[Path], boxes: Iterable[Path]) -> Path | None:
    """Return the file with the names of the classes in the first of these folders that has one.

    Files with the `boxes` of an image are none, even if the image is called `classes`. Else it is the only YAML file
    there, such as `coco.yaml`, if it has `names`.
    """
    searched = list(dict.fromkeys(folders))
    places = (folder / name for folder in searched for name in NAME_FILES)
    others = set(boxes)
    named = next((path for path in places if path.is_file() and path not in others), None)
    if named is None:
        described = [path for folder in searched for path in list_folder(folder) if path.suffix.lower() in YAML]
        named = described[0] if len(described) == 1 and _has_names(described[0]) else None
    return named


def _has_names(path: Path) -> bool:
    return any(line.startswith("names") for line in read_annotations(path).splitlines())


def class_names(path: Path) -> list[str]:
    """Return the names of classes: a line each, or `names` of a YAML file.

    Raises `BadInputError` for a name that is empty or there twice: the lines of boxes count names by their place.
    """
    text = read_annotations(path)
    is_yaml = path.suffix.lower() in YAML
    names = _yaml_names(path, text) if is_yaml else [line.strip() for line in text.rstrip().splitlines()]
    if not names:
        raise BadInputError(f'"{path}" has no names of classes: write the name of each class in a line of its own.')
    if "" in names:
        place = f'class {names.index("")} of "names"' if is_yaml else f"line {names.index('') + 1}"
        raise BadInputError(f'"{path}", {place}: the name of a class is empty. Write a name, or remove it.')
    if repeated := sorted(name for name, count in Counter(names).items() if count > 1):
        raise BadInputError(f'"{path}" has two classes of one name, {quoted(repeated)}: rename one of them.')
    return names


def _yaml_names(path: Path, text: str) -> list[str]:
    import yaml

    try:
        content: Any = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BadInputError(f'"{path}" is no YAML ({_first_line(error)}): expected "names: [car, bus]".') from error
    names = content.get("names") if isinstance(content, dict) else None
    if isinstance(names, dict) and all(type(key) is int for key in names):
        if sorted(names) != list(range(len(names))):
            raise BadInputError(f'"{path}": the numbers of "names" must be 0, 1, 2 and so on.')
        names = [names[number] for number in range(len(names))]
    if not isinstance(names, list) or not names:
        raise BadInputError(f'"{path}" has no list "names" of classes: expected "names: [car, bus]".')
    for name in names:
        if isinstance(name, bool) or not isinstance(name, str | int):
            raise BadInputError(
                f'"{path}": YAML reads {name!r:.40} in "names", which is no text; expected "names: [car, bus]". Put '
                f"the name of a class in quotes."
            )
    return [str(name).strip() for name in names]


def read_yolo(
    where: Path, pairs: Sequence[tuple[Path, Path | None]], names: Sequence[str], named_in: Path, faults: Faults
) -> Labelled[Boxed]:
    """Return images with the boxes of their text files; an image without such a file has no box."""
    read = []
    for image, path in pairs:
        for boxed in faults.attempt(lambda pair: _image(*pair, names, named_in, faults), (image, path)):
            read.append(boxed)
            faults.locate(boxed, image)
    return Labelled(where=where, inputs=read, labels=[""] * len(read), tables=(named_in,), faults=faults)


def _image(image: Path, path: Path | None, names: Sequence[str], named_in: Path, faults: Faults) -> Boxed:
    if path is None:
        return Boxed(image, (), None, f'"{image}"')
    boxes: list[NamedBox] = []
    for number, line in enumerate(read_annotations(path).splitlines(), 1):
        if line.strip():
            where = f'"{path}", line {number}'
            boxes += faults.attempt(lambda item: _box(*item, names, named_in), (where, line.split()))
    return Boxed(image, tuple(boxes), None, f'"{path}"', path)


def _box(where: str, parts: Sequence[str], names: Sequence[str], named_in: Path) -> NamedBox:
    if len(parts) != 5:
        what = "the corners of an outline" if len(parts) > 6 and len(parts) % 2 else f"{len(parts)} parts"
        raise BadInputError(f"{where}: it has {what}; {FORM}.")
    try:
        label, x, y, width, height = map(number_of, parts)
    except BadInputError as error:
        raise BadInputError(f"{where}: {error}; {FORM}.") from error
    if label != label // 1 or not 0 <= label < len(names):
        raise BadInputError(
            f'{where}: unknown class {parts[0]}: "{named_in}" names {len(names)} classes, 0 to {len(names) - 1}.'
        )
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return NamedBox(names[int(label)], *corners, where=where, relative=True)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
