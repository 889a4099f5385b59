"""Where images and boxes of a user's folder lie, and how they are divided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tlbench import BadInputError, Faults
from tlbench.assets import IMAGE_SUFFIXES, Labelled, Parts, hold_out, list_folder, published_parts
from tlbench_detection.formats.boxed import Boxed, quoted, read_annotations
from tlbench_detection.formats.coco import is_coco, read_coco
from tlbench_detection.formats.voc import read_voc
from tlbench_detection.formats.yolo import NAME_FILES, class_names, names_file, read_yolo

PARTS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "dev": "valid", "test": "test"}
"""Names of splits, in any case, and their meaning."""
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


def box_parts(root: Path, faults: Faults) -> Parts[Boxed]:
    """Return the images of the training and the test split. Without splits, a fifth is held out by file name.

    `valid` is the test split if there is no `test`, else training data. Raises `BadInputError` for a folder of another
    form.
    """
    splits = {part: read(faults) for part, read in _splits(root).items()}
    if "all" not in splits:
        return published_parts(splits)
    every = splits["all"]
    return hold_out(every, [boxed.image.name for boxed in every.inputs])


def files_of(parts: Parts[Boxed], root: Path) -> list[Path]:
    """Return every file that was read: annotations, names of classes, and images."""
    if root.is_file():
        beside = [root]
    else:
        beside = [path for path in _below(root) if path.suffix.lower() in (".json", ".xml", ".txt", ".yaml", ".yml")]
        beside += [path for path in _below(root) if path.name in NAME_FILES]
    images = [boxed.image for half in (parts.train, parts.test) for boxed in half.inputs]
    return list(dict.fromkeys([*beside, *images]))


def _splits(root: Path) -> dict[str, Read]:
    """Return how each split is read, or `all` without splits."""
    if root.is_file():
        if not is_coco(root):
            raise BadInputError(f'"{root}" is no JSON file of COCO: {FORMS}.')
        return {"all": partial(read_coco, root)}
    inside = list_folder(root)
    tables = [path for folder in (root, *_named(inside, ("annotations",))) for path in _json_files(folder)]
    if files := {part: path for path in tables if (part := _part_of(path.stem)) and is_coco(path)}:
        _check_splits(root, files, [path for path in tables if _part_of(path.stem)])
        return {part: partial(read_coco, path) for part, path in files.items()}
    if whole := [path for path in tables if is_coco(path)]:
        if len(whole) > 1:
            raise BadInputError(
                f'"{root}" has several files of COCO, {_names(whole)}: name them train.json, test.json.'
            )
        return {"all": partial(read_coco, whole[0])}
    folders = {PARTS[path.name.lower()]: path for path in inside if path.is_dir() and path.name.lower() in PARTS}
    if "train" in folders and len(folders) > 1:
        return {part: _folder(folder, root) for part, folder in folders.items()}
    return _divided_inside(root, inside) or _listed_by_voc(root) or {"all": _folder(root, root)}


def _check_splits(root: Path, files: dict[str, Path], named: Sequence[Path]) -> None:
    if "train" not in files or len(files) == 1:
        raise BadInputError(
            f'"{root}" has {_names(list(files.values()))}: add files of both a training and a test split.'
        )
    if len(named) > len(files):
        raise BadInputError(f'"{root}" has several files of one split, {_names(named)}: keep one of each.')


def _part_of(stem: str) -> str:
    """Return the split that a file's name says, such as `train` of `instances_train2017`, or an empty string."""
    words = "".join(letter if letter.isalpha() else " " for letter in stem.lower()).split()
    return next((PARTS[word] for word in words if word in PARTS), "")


def _divided_inside(root: Path, inside: Sequence[Path]) -> dict[str, Read]:
    """Return the splits of `images/train` beside `labels/train`, or nothing."""
    for folder in _named(inside, IMAGES):
        below = {PARTS[path.name.lower()]: path for path in list_folder(folder) if path.name.lower() in PARTS}
        if "train" in below and len(below) > 1:
            return {part: _pairs_reader(path, _beside(inside, path.name) or path, root) for part, path in below.items()}
    return {}


def _beside(inside: Sequence[Path], name: str) -> Path | None:
    """Return the folder of annotations with this subfolder."""
    named = [folder / name for names in ANNOTATIONS.values() for folder in _named(inside, names)]
    return next((folder for folder in named if folder.is_dir()), None)


def _listed_by_voc(root: Path) -> dict[str, Read]:
    """Return the splits that `ImageSets/Main/train.txt` and the like name, or nothing."""
    folder = root / "ImageSets" / "Main"
    lists = {PARTS[path.stem]: path for path in (list_folder(folder) if folder.is_dir() else []) if path.stem in PARTS}
    if "train" not in lists or len(lists) == 1:
        return {}
    return {part: partial(_chosen, _folder(root, root), path) for part, path in lists.items()}


def _chosen(read: Read, path: Path, faults: Faults) -> Labelled[Boxed]:
    """Return the images that a list names."""
    every = read(faults)
    places = {boxed.image.stem: place for place, boxed in enumerate(every.inputs)}
    names = [line.split()[0] for line in read_annotations(path).splitlines() if line.strip()]
    for name in names:
        if name not in places:
            faults.refuse(f'"{path}" names "{name}", which has no image: add it, or remove the line.')
    return replace(every.take(places[name] for name in names if name in places), where=path)


def _folder(folder: Path, root: Path) -> Read:
    """Return how a folder with images and annotations is read, beside each other or in two folders below it."""
    inside = list_folder(folder)
    if tables := [path for path in _json_files(folder) if is_coco(path)]:
        if len(tables) > 1:
            raise BadInputError(f'"{folder}" has several files of COCO, {_names(tables)}: keep one.')
        return partial(read_coco, tables[0])
    images = next(iter(_named(inside, IMAGES)), folder)
    named = [place for names in ANNOTATIONS.values() for place in _named(inside, names)]
    return _pairs_reader(images, next(iter(named), folder), root)


def _pairs_reader(images: Path, annotations: Path, root: Path) -> Read:
    """Return how images are read whose annotations have their names, in XML or text."""
    pictures = [path for path in list_folder(images) if path.suffix.lower() in IMAGE_SUFFIXES]
    if not pictures:
        raise BadInputError(f'"{images}" has no images: {FORMS}.')
    beside = list_folder(annotations)
    for suffix in (".xml", ".txt"):
        texts = {path.stem: path for path in beside if path.suffix.lower() == suffix and not _is_other(path)}
        if texts:
            return partial(_read_pairs, images, pictures, texts, [annotations, annotations.parent, root])
    raise BadInputError(f'"{annotations}" has no boxes: {FORMS}.')


def _is_other(path: Path) -> bool:
    return path.name.lower() in NAME_FILES or path.stem.lower() in (*OTHERS, *PARTS)


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
    named_in = names_file(*near)
    if named_in is None:
        raise BadInputError(f'"{near[-1]}" has no names of classes: add classes.txt with a name in each line.')
    return read_yolo(images, pairs, class_names(named_in), named_in, faults)


def _named(inside: Sequence[Path], names: Sequence[str]) -> list[Path]:
    return [path for name in names for path in inside if path.is_dir() and path.name.lower() == name]


def _json_files(folder: Path) -> list[Path]:
    return [path for path in list_folder(folder) if path.suffix.lower() == ".json" and path.is_file()]


def _below(folder: Path) -> list[Path]:
    """Return the files of a folder and of those below it, three levels down."""
    files, folders = [], [folder]
    for _ in range(4):
        inside = [path for place in folders for path in list_folder(place)]
        files += [path for path in inside if path.is_file()]
        folders = [path for path in inside if path.is_dir() and not path.is_symlink()]
    return files


def _names(paths: Sequence[Path]) -> str:
    return quoted(path.name for path in paths)
