"""White blood cells of two laboratories (Zheng et al. 2018).

They are read as they are published, BMP files beside a table of labels, or from class folders `dataset1/<class>/<id>`.
"""

from __future__ import annotations

from pathlib import Path

from tlbench import BadInputError, Faults, LoadRequest, TaskData
from tlbench.assets import (
    IMAGE_SUFFIXES,
    Labelled,
    Parts,
    class_files,
    common_labels,
    file_parts,
    hold_out,
    label_names,
    make_side,
    option_path,
    read_table,
    transductive_data,
)

CLASSES = ("eosinophil", "lymphocyte", "monocyte", "neutrophil")
"""Basophils are left out: there are 1 and 3 of them."""
NUMBERS = {"1": "neutrophil", "2": "lymphocyte", "3": "monocyte", "4": "eosinophil", "5": "basophil"}
"""The classes in the published tables."""
SIZE = 32


def sides(request: LoadRequest) -> tuple[Parts[Path], Parts[Path]]:
    """Return the files: a fifth of each class of laboratory 1, and half of laboratory 2, are the tests."""
    found = _side(request, "source", "1", 0.2), _side(request, "target", "2", 0.5)
    common_labels(*found)
    return found


def load(request: LoadRequest) -> TaskData:
    """Read RGB images `(32, 32, 3)`."""
    from tlbench.assets import read_images

    source, target = sides(request)
    return transductive_data(read_images(source, SIZE), read_images(target, SIZE))


def cifar_sides(request: LoadRequest) -> tuple[Parts[Path], Parts[Path]]:
    """Return the files of CIFAR-10, and of laboratory 1, of which half of each class is the test."""
    source = file_parts(option_path(request, "source", "cifar10_mini"), IMAGE_SUFFIXES, faults=request.faults)
    return source, _side(request, "target", "1", 0.5)


def load_cifar(request: LoadRequest) -> TaskData:
    """Read RGB images `(32, 32, 3)`."""
    from tlbench.assets import read_images

    source, target = (read_images(parts, SIZE) for parts in cifar_sides(request))
    return TaskData(source=make_side(source, label_names(source)), target=make_side(target, label_names(target)))


def _side(request: LoadRequest, option: str, laboratory: str, part: float) -> Parts[Path]:
    sorted_folders = f"wbc/dataset{laboratory}"
    has_them = request.data_root is not None and (request.data_root / sorted_folders).is_dir()
    root = option_path(request, option, sorted_folders if has_them else f"wbc/Dataset {laboratory}")
    cells = (
        _published(root, request.faults)
        if labels_of(root).is_file()
        else class_files(root, IMAGE_SUFFIXES, CLASSES, request.faults)
    )
    # By what both forms share, so that both are split alike.
    names = [f"{label}/{path.stem}.png" for label, path in zip(cells.labels, cells.inputs, strict=True)]
    return hold_out(cells, names, part)


def labels_of(root: Path) -> Path:
    """Return where the published labels of a folder of images lie."""
    return root.with_name(f"Class Labels of {root.name}.csv")


def _published(root: Path, faults: Faults) -> Labelled[Path]:
    """Return `<root>/<id>.bmp` by class, in the order of the class folders."""
    table = read_table(labels_of(root), faults=faults)
    cells = []
    for line, (image, number) in zip(table.lines, (row[:2] for row in table.rows), strict=True):
        path = root / f"{image.zfill(3)}.bmp"
        if number not in NUMBERS or not path.is_file():
            raise BadInputError(
                f'"{table.path}", line {line}: class {number} or "{path}" does not exist: download it again.'
            )
        cells.append((NUMBERS[number], path))
    kept = sorted(cell for cell in cells if cell[0] in CLASSES)
    paths, labels = [path for _, path in kept], [label for label, _ in kept]
    return Labelled(where=root, inputs=paths, labels=labels, faults=faults)
