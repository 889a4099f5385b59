"""Images with masks: in folders whose files have the same names without extension, or listed by a table."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tlbench.assets.readers.divided import NO_COLUMNS, SplitColumns, check_no_columns, split_columns
from tlbench.assets.readers.folders import IMAGE_SUFFIXES, files_in, has_source, option_path
from tlbench.assets.readers.labelled import (
    PART_NAMES,
    PARTS,
    Labelled,
    Parts,
    hold_out,
    named_parts,
    published_parts,
    quoted,
)
from tlbench.assets.readers.listed import file_column, named_files, split_by_table, with_files
from tlbench.assets.readers.tables import read_table
from tlbench.assets.readers.walk import list_folder, note_left_out
from tlbench.contract.faults import RAISE, Faults
from tlbench.contract.requests import LoadRequest
from tlbench.errors import BadInputError
from tlbench.results.files import text_of

Pair = tuple[Path, Path]
"""An image and its mask."""
Folders = dict[str, Path]
"""A folder of `images`, and one of `masks`."""
KINDS = {
    "images": ("images", "image", "imgs", "img", "jpegimages", "imagestr"),
    "masks": (
        *("masks", "mask", "labels", "label", "annotations", "annotation", "segmentationclass", "labelstr"),
        *("segmentations", "segmentation", "groundtruth", "ground_truth", "gt"),
    ),
}
"""Names of folders, in any case; of several the first is taken."""
DECATHLON = {
    "imagestr": ("train", "images"),
    "labelstr": ("train", "masks"),
    "imagests": ("test", "images"),
    "labelsts": ("test", "masks"),
}
"""Names of folders in the Medical Segmentation Decathlon and nnU-Net, in lower case; imagesTs often has no masks."""
CHANNEL = re.compile("(?P<case>.+)_[0-9]{4}")
"""The name of an image in nnU-Net: that of its mask, and the number of a channel."""
IMAGE_COLUMNS = ("file", "image", "file_name")
"""Names of the column of images in a table."""
ENDING = re.compile("[_-](masks?|labels?|seg|segmentation|annotation|groundtruth|ground_truth|gt)$", re.IGNORECASE)
"""What the name of a mask may have behind the name of its image."""
LAYOUTS = (
    "expected images/ and masks/ with the same names, or train/ and test/ with both, or images/ and masks/ with train/ "
    "and test/ in each, or imagesTr/ and labelsTr/, or a table with the columns file and mask"
)


def mask_pairs(root: Path, faults: Faults = RAISE) -> Labelled[Pair]:
    """Return the pairs in `images/` and `masks/` by name; that of a mask may end in _mask, _label, _gt and the like.

    Images may have the number of a channel behind the name of their mask, as in nnU-Net. Files without their
    counterpart are refused.
    """
    return _pairs(_folders(root, faults), faults)


def _pairs(folders: Folders, faults: Faults, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> Labelled[Pair]:
    left_out: Counter[str] = Counter()
    images = _by_stem(folders["images"], left_out, faults, suffixes)
    if folders["images"] == folders["masks"]:
        masks = {stem: path for stem, path in images.items() if _image_stem(stem, images) != stem}
        images = {stem: path for stem, path in images.items() if stem not in masks}
    else:
        masks = _by_stem(folders["masks"], left_out, faults, suffixes)
    note_left_out(folders["images"].parent, left_out, suffixes, faults)
    images = _first_channels(images, masks, faults)
    return _paired(folders, images, masks, faults)


def _paired(folders: Folders, images: Mapping[str, Path], masks: Mapping[str, Path], faults: Faults) -> Labelled[Pair]:
    """Return images with their masks; each file without its counterpart is refused."""
    by_image: dict[str, Path] = {}
    for stem, path in masks.items():
        if (other := by_image.setdefault(_image_stem(stem, images), path)) != path:
            faults.refuse(f'"{other}" and "{path}" are masks of one image: keep one of them.')
    if not images:
        raise BadInputError(f'"{folders["images"]}" has no images: add some.')
    unpaired = [
        BadInputError(
            f'"{images.get(stem) or by_image[stem]}" has no counterpart in '
            f'"{folders["masks" if stem in images else "images"]}": add it with the same name, remove the file, or '
            f"list the pairs in a table with the columns file and mask."
        )
        for stem in sorted(images.keys() ^ by_image.keys())
    ]
    for error in unpaired:
        faults.add(error)
    pairs = [(image, by_image[stem]) for stem, image in images.items() if stem in by_image]
    if not pairs:
        raise unpaired[0]
    return Labelled(where=folders["images"], inputs=pairs, labels=[""] * len(pairs), faults=faults)


def _first_channels(images: Mapping[str, Path], masks: Mapping[str, Path], faults: Faults) -> dict[str, Path]:
    """Return images by the names of their masks, where nnU-Net adds the number of a channel; others are noted."""
    chosen: dict[str, Path] = {}
    others = []
    for stem, path in sorted(images.items()):
        match = CHANNEL.fullmatch(stem)
        case = match["case"] if match and stem not in masks and match["case"] in masks else stem
        if chosen.setdefault(case, path) != path:
            others.append(path)
    if others:
        faults.note(
            f'Only the first channel of an image is read: {len(others)} files in "{others[0].parent}" are not, such as '
            f'"{others[0].name}".'
        )
    return chosen


def _by_stem(folder: Path, left_out: Counter[str], faults: Faults, suffixes: Sequence[str]) -> dict[str, Path]:
    by_stem: dict[str, Path] = {}
    for path in files_in(folder, suffixes, left_out, faults):
        if (other := by_stem.setdefault(_stem(path), path)) != path:
            faults.refuse(
                f'"{folder}" has files with the same name and different extensions, "{other.name}" and "{path.name}": '
                f"keep one of them."
            )
    return by_stem


def _stem(path: Path) -> str:
    """Return a name without its extension, of which `.nii.gz` has two parts."""
    compressed = path.name.lower().endswith(".nii.gz")
    return path.name[: -len(".nii.gz")] if compressed else path.stem


def _image_stem(stem: str, images: Mapping[str, Path]) -> str:
    """Return the name of a mask without what it has behind the name of its image."""
    shorter = ENDING.sub("", stem)
    return shorter if shorter in images and shorter != stem else stem


def mask_parts(
    root: Path,
    part: float = 0.2,
    faults: Faults = RAISE,
    columns: SplitColumns = NO_COLUMNS,
    suffixes: Sequence[str] = IMAGE_SUFFIXES,
) -> Parts[Pair]:
    """Return the pairs of `train` and `test`, outside or inside of images/ and masks/, or of a table's column `split`.

    Without splits, `part` of the pairs is held out by file name, or by the columns of groups and times in a table.
    `valid` is used as in `labelled.published_parts`.
    """
    if root.is_file():
        return _listed_pairs(root, part, faults, columns)
    check_no_columns(root, columns, "mask")
    splits = _splits(root, faults, suffixes)
    if "all" not in splits:
        return published_parts({name: _pairs(folders, faults, suffixes) for name, folders in splits.items()})
    pairs = _pairs(splits["all"], faults, suffixes)
    return hold_out(pairs, [text_of(image.name) for image, _ in pairs.inputs], part)


def _listed_pairs(path: Path, part: float, faults: Faults, columns: SplitColumns) -> Parts[Pair]:
    table = read_table(path, faults=faults)
    column = file_column(table, IMAGE_COLUMNS)
    table = with_files(table, column, "mask")
    pairs = list(zip(named_files(table, column), named_files(table, "mask"), strict=True))
    listed = columns.of(table, Labelled(where=path, inputs=pairs, labels=[""] * len(pairs), faults=faults))
    return split_by_table(table, listed, table.column(column), part)


def _splits(root: Path, faults: Faults, suffixes: Sequence[str]) -> dict[str, Folders]:
    """Return the folders of `train` and `test` (or `valid`), or of `all`. Raises `BadInputError` for no such layout."""
    inside = [path for path in list_folder(root) if path.is_dir()]
    if parts := named_parts((path.name, path) for path in inside):
        _note_others(root, [path for path in inside if path not in parts.values()], faults)
        return {name: _folders(folder, faults, suffixes) for name, folder in parts.items()}
    if siblings := _sibling_splits(inside):
        return siblings
    folders = _folders(root, faults, suffixes)
    of_kinds = {kind: dict(_split_folders(folder)) for kind, folder in folders.items()}
    if of_kinds["images"].keys() != of_kinds["masks"].keys():
        raise BadInputError(
            f'"{folders["images"]}" and "{folders["masks"]}" have different splits: give both the same ({PART_NAMES}).'
        )
    splits = {part: {kind: of_kind[part] for kind, of_kind in of_kinds.items()} for part in of_kinds["images"]}
    return splits or {"all": folders}


def _split_folders(folder: Path) -> Iterator[tuple[str, Path]]:
    yield from named_parts((path.name, path) for path in list_folder(folder) if path.is_dir()).items()


def _sibling_splits(inside: list[Path]) -> dict[str, Folders]:
    """Return the splits of folders such as train_images/ and train_masks/; nothing if they are not complete."""
    splits: dict[str, Folders] = {}
    for path in inside:
        for part, kind in _part_and_kind(path.name.lower()):
            splits.setdefault(part, {})[kind] = path
    whole = all(folders.keys() == KINDS.keys() for folders in splits.values())
    return splits if whole and "train" in splits and len(splits) > 1 else {}


def _part_and_kind(name: str) -> Iterator[tuple[str, str]]:
    """Yield the split and the kind, `images` or `masks`, that a folder's name means in lower case, if any."""
    if name in DECATHLON:
        yield DECATHLON[name]
    words = re.split("[_-]", name, maxsplit=1)
    for part, word in ((words[0], words[-1]), (words[-1], words[0])):
        kind = next((kind for kind, names in KINDS.items() if word in names), "")
        if part in PARTS and kind:
            yield PARTS[part], kind


def _folders(root: Path, faults: Faults, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> Folders:
    """Return the folders of images and of masks in a folder.

    It may be a folder below images/, to which there is one below masks/, or contain images beside their masks.
    """
    inside = list_folder(root)
    folders = {path.name.lower(): path for path in inside if path.is_dir()}
    chosen = {kind: next((folders[name] for name in names if name in folders), None) for kind, names in KINDS.items()}
    loose = {_stem(path): path for path in inside if path.suffix.lower() in suffixes and path.is_file()}
    if not any(chosen.values()) and loose:
        if parallel := _parallel(root):
            return parallel
        if any(_image_stem(stem, loose) != stem for stem in loose):
            return {"images": root, "masks": root}
    if lacking := [kind for kind, path in chosen.items() if path is None]:
        shown = quoted([path.name for path in inside]) if inside else "nothing"
        raise BadInputError(f'"{root}" has no folder of {" and of ".join(lacking)}, it has {shown}: {LAYOUTS}.')
    complete = {kind: path for kind, path in chosen.items() if path is not None}
    _note_others(root, [path for path in inside if path not in complete.values()], faults)
    return complete


def _parallel(root: Path) -> Folders | None:
    """Return a folder such as images/clinic-a/, and masks/clinic-a/ beside it; None if there is no such folder."""
    folder = Path(os.path.abspath(root))
    for parent in [folder, *folder.parents]:
        if parent.name.lower() in KINDS["images"]:
            below = folder.relative_to(parent)
            beside = {path.name.lower(): path / below for path in list_folder(parent.parent) if (path / below).is_dir()}
            masks = [beside[name] for name in KINDS["masks"] if name in beside]
            return {"images": root, "masks": masks[0]} if masks else None
    return None


def _note_others(root: Path, others: list[Path], faults: Faults) -> None:
    for path in [path for path in others if path.name.lower() in DECATHLON]:
        faults.note(f'Not read: "{path}". Without both imagesTs/ and labelsTs/, there is no test split in "{root}".')
        others = [other for other in others if other != path]
    if others:
        faults.note(
            f'Not read in "{root}": {quoted([path.name for path in others])}. Read are images, masks and splits.'
        )


def mask_sides(
    request: LoadRequest, suffixes: Sequence[str] = IMAGE_SUFFIXES
) -> tuple[Parts[Pair] | None, Parts[Pair]]:
    """Return the pairs of both domains, for `files` and `load` of a task; None if the user names no source.

    `suffixes` are the endings of the files in folders.
    """

    def parts(option: str) -> Parts[Pair]:
        root = option_path(request, option)
        return mask_parts(root, faults=request.faults, columns=split_columns(request), suffixes=suffixes)

    options = ("target", "source") if has_source(request) else ("target",)
    target, *source = request.faults.attempt_all(parts, options)
    return (source[0] if source else None), target


def note_empty_masks(where: Path, empty: Sequence[Path], count: int, background: int, faults: Faults) -> None:
    """Note the masks, of so many in `where`, that have the value of the background alone, if there are any."""
    if empty:
        faults.note(
            f'{len(empty)} of {count} masks in "{where}" mark nothing (they have the background, {background}, alone), '
            f'such as "{empty[0]}".'
        )
