"""Where images and boxes of a user's folder lie, and how they are divided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from tlbench import BadInputError, Faults
from tlbench.assets import (
    IMAGE_SUFFIXES,
    Labelled,
    Parts,
    SplitColumns,
    divide,
    keep_published,
    list_folder,
    named_parts,
    named_split,
    quoted,
    split_word,
    with_fields,
    worded_parts,
)
from tlbench_detection.formats.boxed import Boxed, read_annotations
from tlbench_detection.formats.coco import Content, coco_content, read_coco
from tlbench_detection.formats.voc import read_voc
from tlbench_detection.formats.yolo import NAME_FILES, class_names, names_file, read_yolo

IMAGES = ("images", "jpegimages", "image", "imgs")
ANNOTATIONS = {".txt": ("labels", "label"), ".xml": ("annotations", "annotation", "labels")}
"""Names of the folders with text files of YOLO and with XML files of VOC."""
FORMS = (
    "expected a JSON file of COCO, or a folder with one for each split (train.json, test.json, also in annotations/), "
    "with XML files of Pascal VOC (JPEGImages/, Annotations/), or with text files of YOLO (images/, labels/, "
    "classes.txt or data.yaml); splits are also folders train/, valid/ and test/"
)
OTHERS = ("readme", "license", "licence", "notes", "requirements")
"""Names of text files that are no boxes."""
Read = Callable[[Faults], Labelled[Boxed]]
Divided = dict[str, tuple[Path, Path | None]]
"""The folder of images of each split, and that of their boxes; None: there are none."""


def box_parts(root: Path, columns: SplitColumns, faults: Faults) -> Parts[Boxed]:
    """Return the images of the training and the test split. Without splits, a fifth is held out.

    It is chosen by the groups or times in the fields `columns` of the images, else by file name. `valid` is the test
    split if there is no `test`, else training data. Raises `BadInputError` for a folder of another form.
    """
    splits = {part: _with_groups(read(faults), columns) for part, read in _splits(root, faults).items()}
    if "all" not in splits:
        return keep_published(splits)
    every = splits["all"]
    return divide(every, [boxed.image.name for boxed in every.inputs])


def _with_groups(images: Labelled[Boxed], columns: SplitColumns) -> Labelled[Boxed]:
    """Return images with their groups and times."""
    read, named = images.inputs, columns.named()
    if not read or not named:
        return images
    if any(boxed.annotations is not None and boxed.annotations.suffix.lower() == ".txt" for boxed in read):
        raise BadInputError(
            f'"{images.where}" has no field "{named[0]}" of images (task.group, task.time): text files of YOLO hold '
            f"boxes alone. Use a JSON file of COCO, with such a field in each entry of its images."
        )
    places = [boxed.where if boxed.fields else f"{boxed.where}, which has no annotations" for boxed in read]
    return with_fields(images, [boxed.fields for boxed in read], places, columns)


def files_of(parts: Parts[Boxed]) -> list[Path]:
    """Return every file that was read: lists, names of classes, annotations and images."""
    halves = (parts.train, parts.test)
    shared = [path for half in halves for path in half.tables]
    images = [boxed for half in halves for boxed in half.inputs]
    annotations = [boxed.annotations for boxed in images if boxed.annotations is not None]
    return list(dict.fromkeys([*shared, *annotations, *(boxed.image for boxed in images)]))


def _splits(root: Path, faults: Faults) -> dict[str, Read]:
    """Return how each split is read, or `all` without splits."""
    if root.is_file():
        if (content := coco_content(root)) is None:
            raise BadInputError(f'"{root}" is no JSON file of COCO: {FORMS}.')
        return {"all": partial(read_coco, root, content=content)}
    inside = list_folder(root)
    places = (root, *_named(inside, ("annotations",)))
    if tables := _coco_files(*places):
        chosen = _of_instances(tables)
        in_texts = not _coco_parts(chosen) and any(split_word(path.stem) for path in chosen) and _marked(inside)
        others = [path for folder in places for path in _json_files(folder) if path not in tables]
        _note_unread(root, [path for path in tables if in_texts or path not in chosen], others, faults)
        if not in_texts:
            return _coco_splits(root, chosen)
    if folders := named_parts((path.name, path) for path in inside if path.is_dir()):
        return {part: _folder(folder, root) for part, folder in folders.items()}
    return _read_divided(root, inside, faults) or _listed_by_voc(root, faults) or {"all": _folder(root, root)}


def _note_unread(root: Path, unread: Sequence[Path], others: Sequence[Path], faults: Faults) -> None:
    if unread:
        faults.note(f'Not read in "{root}": {_names(unread)}. The boxes are in other files.')
    if others:
        faults.note(f'Not read in "{root}": {_names(others)}. They are no files of COCO.')


def _coco_files(*folders: Path) -> dict[Path, Content]:
    """Return the files of COCO in these folders with their content; other JSON files are left out."""
    contents = [(path, coco_content(path)) for folder in folders for path in _json_files(folder)]
    return {path: content for path, content in contents if content is not None}


def _json_files(folder: Path) -> list[Path]:
    return [path for path in list_folder(folder) if path.suffix.lower() == ".json" and path.is_file()]


def _of_instances(tables: dict[Path, Content]) -> dict[Path, Content]:
    """Return the files `instances_...` if they make splits: COCO has captions and key points beside them."""
    chosen = {path: content for path, content in tables.items() if path.stem.startswith("instances_")}
    return chosen if _coco_parts(chosen) else tables


def _coco_parts(tables: Iterable[Path]) -> dict[str, Path]:
    """Return the file of each split by the words in their names; nothing if there are no two splits."""
    return named_parts((split_word(path.stem), path) for path in tables)


def _coco_splits(root: Path, tables: dict[Path, Content]) -> dict[str, Read]:
    """Return how files of COCO are read, one for each split, or one file for all."""
    if files := _coco_parts(tables):
        return {part: partial(read_coco, path, content=tables[path]) for part, path in files.items()}
    if named := [path for path in tables if split_word(path.stem)]:
        raise BadInputError(f'"{root}" has {_names(named)}: add files of both a training and a test split.')
    if len(tables) > 1:
        raise BadInputError(
            f'"{root}" has several files of COCO, {_names(list(tables))}: name them train.json, test.json.'
        )
    return {"all": _coco_reader(tables)}


def _coco_reader(tables: dict[Path, Content]) -> Read:
    """Return how the only one of these files is read."""
    ((path, content),) = tables.items()
    return partial(read_coco, path, content=content)


def _divided_inside(inside: Sequence[Path]) -> Divided:
    """Return the folders of splits such as `images/train2017`, each with that of its boxes, or nothing.

    Boxes lie in a folder such as `labels/train2017`, or beside the images.
    """
    for folder in _named(inside, IMAGES):
        if parts := worded_parts((path.name, path) for path in list_folder(folder) if path.is_dir()):
            return {part: (path, _beside(inside, path.name) or _with_boxes(path)) for part, path in parts.items()}
    return {}


def _with_boxes(folder: Path) -> Path | None:
    """Return a folder of images if texts or XML files are beside them."""
    return folder if any(path.suffix.lower() in ANNOTATIONS for path in list_folder(folder)) else None


def _marked(inside: Sequence[Path]) -> Divided:
    """Return the splits with boxes; nothing if they are not a training and a test split."""
    marked = {part: places for part, places in _divided_inside(inside).items() if places[1] is not None}
    return marked if "train" in marked and len(marked) > 1 else {}


def _read_divided(root: Path, inside: Sequence[Path], faults: Faults) -> dict[str, Read]:
    """Return how splits are read; one without boxes is noted if there are two others, else refused."""
    divided = _divided_inside(inside)
    chosen = _marked(inside) or divided
    for part in divided.keys() - chosen.keys():
        faults.note(f'Not read: "{divided[part][0]}", whose images have no boxes.')
    return {part: _pairs_reader(images, boxes or images, root) for part, (images, boxes) in chosen.items()}


def _beside(inside: Sequence[Path], name: str) -> Path | None:
    """Return the folder of annotations with this subfolder."""
    named = [folder / name for names in ANNOTATIONS.values() for folder in _named(inside, names)]
    return next((folder for folder in named if folder.is_dir()), None)


def _listed_by_voc(root: Path, faults: Faults) -> dict[str, Read]:
    """Return the splits that `ImageSets/Main/train.txt` and the like name, or nothing; other lists are noted.

    `trainval.txt` has the images of `train.txt` and `val.txt`, and is read if there is no `train.txt`.
    """
    folder = root / "ImageSets" / "Main"
    inside = list_folder(folder) if folder.is_dir() else []
    lists = [path for path in inside if path.suffix == ".txt"]
    named = [(path.stem, path) for path in lists]
    if not any(named_split(name) == "train" for name, _ in named):
        whole = [("train", path) for name, path in named if name.lower() == "trainval"]
        named = [*whole, *(one for one in named if not whole or named_split(one[0]) == "test")]
    files = named_parts(named)
    # Pascal VOC has lists of each class, such as car_train.txt.
    if unread := [path for path in lists if path not in files.values() and "_" not in path.stem]:
        faults.note(
            f'Not read in "{folder}": {_names(unread)}. Lists are train.txt or trainval.txt, val.txt, test.txt.'
        )
    if not files:
        return {}
    read = cache(_folder(root, root))  # Once for all lists.
    stems = {path.stem for path in _pictures(_images_in(root))}
    return {part: partial(_chosen, read, stems, path) for part, path in files.items()}


def _chosen(read: Read, stems: Collection[str], path: Path, faults: Faults) -> Labelled[Boxed]:
    """Return the images that a list names; `stems` are the names of all images, those with faults too."""
    every = read(faults)
    places = {boxed.image.stem: place for place, boxed in enumerate(every.inputs)}
    names = [line.split()[0] for line in read_annotations(path).splitlines() if line.strip()]
    for name, count in Counter(names).items():
        if name not in stems:
            faults.refuse(f'"{path}" names "{name}", which has no image: add it, or remove the line.')
        elif count > 1:
            faults.refuse(f'"{path}" names "{name}" {count} times: keep one of the lines.')
    chosen = every.take(places[name] for name in dict.fromkeys(names) if name in places)
    return replace(chosen, where=path, tables=(*every.tables, path))


def _folder(folder: Path, root: Path) -> Read:
    """Return how a folder with images and annotations is read, beside each other or in two folders below it."""
    if tables := _coco_files(folder):
        if len(tables) > 1:
            raise BadInputError(f'"{folder}" has several files of COCO, {_names(list(tables))}: keep one.')
        return _coco_reader(tables)
    inside = list_folder(folder)
    named = [place for names in ANNOTATIONS.values() for place in _named(inside, names)]
    return _pairs_reader(_images_in(folder), next(iter(named), folder), root)


def _images_in(folder: Path) -> Path:
    """Return the folder with the images of a folder, which may be itself."""
    return next(iter(_named(list_folder(folder), IMAGES)), folder)


def _pictures(folder: Path) -> list[Path]:
    return [path for path in list_folder(folder) if path.suffix.lower() in IMAGE_SUFFIXES]


def _pairs_reader(images: Path, annotations: Path, root: Path) -> Read:
    """Return how images are read whose annotations have their names, in XML or text."""
    pictures = _pictures(images)
    if not pictures:
        if single := [path.name for path in list_folder(images) if split_word(path.name) and path.is_dir()]:
            raise BadInputError(
                f'"{images}" has a single split, {quoted(single)}: add another one, or move its images into '
                f'"{images}" itself and its boxes likewise, of which a fifth is then held out.'
            )
        raise BadInputError(f'"{images}" has no images: {FORMS}.')
    stems = {path.stem for path in pictures}
    near = [folder for folder in (annotations, annotations.parent, root) if folder.is_relative_to(root)]
    beside = list_folder(annotations)
    for suffix in (".xml", ".txt"):
        named = [path for path in beside if path.suffix.lower() == suffix]
        if texts := {path.stem: path for path in named if path.stem in stems or not _is_other(path)}:
            return partial(_read_pairs, images, pictures, texts, near)
    raise BadInputError(f'"{annotations}" has no boxes: {FORMS}.')


def _is_other(path: Path) -> bool:
    return path.name.lower() in NAME_FILES or path.stem.lower() in OTHERS or bool(named_split(path.stem))


def _read_pairs(
    images: Path, pictures: Sequence[Path], texts: dict[str, Path], near: Sequence[Path], faults: Faults
) -> Labelled[Boxed]:
    stems = {path.stem for path in pictures}
    if len(stems) < len(pictures):
        raise BadInputError(f'"{images}" has images with the same name and different extensions: keep one of them.')
    for stem, path in texts.items():
        if stem not in stems:
            faults.refuse(f'"{path}" has no image "{stem}" in "{images}": add it, or remove the file.')
    pairs = [(path, texts.get(path.stem)) for path in pictures]
    if next(iter(texts.values())).suffix.lower() == ".xml":
        return read_voc(images, pairs, faults)
    named_in = names_file(near, texts.values())
    if named_in is None:
        raise BadInputError(f'"{near[-1]}" has no names of classes: add classes.txt with a name in each line.')
    return read_yolo(images, pairs, class_names(named_in), named_in, faults)


def _named(inside: Sequence[Path], names: Sequence[str]) -> list[Path]:
    return [path for name in names for path in inside if path.is_dir() and path.name.lower() == name]


def _names(paths: Sequence[Path]) -> str:
    return quoted([path.name for path in paths])
