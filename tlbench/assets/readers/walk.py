"""What is in a folder and its subfolders, and what is said of the files that are not read."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from tlbench.assets.readers.labelled import PART_NAMES, PARTS
from tlbench.contract.faults import Faults
from tlbench.errors import BadInputError

PASSED_OVER = (
    "@eadir", "@recycle", "#recycle", "$recycle.bin", "system volume information", "lost+found", "__macosx",
    "__pycache__", "thumbs.db", "desktop.ini",
)  # fmt: skip
"""Names, in lower case, of what systems, file servers and archives put beside a user's files."""
ABOUT = re.compile(
    r"(read_?me|licen[cs]es?|copying|copyright|notice|change_?log|citation|authors|contributors|credits|attribution|"
    r"data_?sheet|dataset_?card|provenance|(check|md5|sha\d+)_?sums?|manifest)\b",
    re.IGNORECASE,
)
"""Names of files that tell about data."""
SHOWN = 5
"""Reasons that a message names."""
SINGULAR = {"end": "ends", "have": "has", "are": "is"}
SPLIT_WORDS = (*PARTS, "training", "testing", "eval", "evaluation", "holdout")
"""Words in the names of folders that are splits rather than classes, if they contain folders."""


def list_folder(folder: Path) -> list[Path]:
    """Return the content of a folder by name, without hidden files and what systems put there."""
    return [path for path, _ in _entries(folder)]


def leads_outside(name: str) -> bool:
    """Return whether the path of a file that data names leads out of the folder that it is relative to."""
    return Path(name).is_absolute() or ".." in Path(name).parts


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder by name, also behind links."""
    return [path for path, is_folder in _entries(folder) if is_folder]


def below(folder: Path) -> list[Path]:
    """Return the content of all subfolders at any depth, also behind links; each folder is read once.

    Raises `BadInputError` for a link to a folder around `folder`: a class would contain the files of all others.
    """
    content: list[Path] = []
    visited, waiting = {folder.resolve()}, subfolders(folder)
    while waiting:
        subfolder = waiting.pop()
        target = subfolder.resolve()
        if target in folder.resolve().parents:
            raise BadInputError(
                f'"{subfolder}" is a link to "{target}", which contains it: its files would be read again. Remove the '
                f"link."
            )
        if target not in visited:
            visited.add(target)
            inside = _entries(subfolder)
            content += [path for path, _ in inside]
            waiting += [path for path, is_folder in inside if is_folder]
    return sorted(content)


def _entries(folder: Path) -> list[tuple[Path, bool]]:
    """Return what is in a folder by name, and whether it is a folder, which a system call for all of them tells."""
    try:
        with os.scandir(folder) as entries:
            inside = [(folder / entry.name, _is_folder(entry)) for entry in entries if not _is_passed_over(entry.name)]
    except OSError as error:
        raise BadInputError(f'"{folder}" cannot be read as a folder ({error.strerror}): check the path.') from error
    return sorted(inside, key=lambda entry: entry[0].name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A file that cannot be looked at is refused when it is read.
        return False


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower() in PASSED_OVER


def check_subfolders(root: Path, files: Mapping[Path, Sequence[Path]], faults: Faults) -> None:
    """Note the files in subfolders of class folders; refuse folders that are splits, or the parent of the classes.

    `files` are those of each class folder in `root`.
    """
    deeper = {folder: [path for path in members if path.parent != folder] for folder, members in files.items()}
    nested = {folder: members for folder, members in deeper.items() if members}
    first = next(iter(files))
    alone = len(files) == 1 and root.name.lower() not in PARTS  # A split may lack classes.
    if alone and (_seems_split(first) or len(deeper[first]) == len(files[first]) > 0):
        faults.refuse(f'"{root}" has a single class folder, "{first}". If it contains the data, use "{first}".')
    elif nested:
        for folder, members in nested.items():
            _check_split(folder, members, faults)
        count, example = sum(map(len, nested.values())), next(iter(nested.values()))[0]
        faults.note(
            f'{count} file{"s" * (count > 1)} in "{root}" {"are" if count > 1 else "is"} in subfolders of a class '
            f'folder, such as "{example}", and belong{"s" * (count == 1)} to that class.'
        )


def _check_split(folder: Path, nested: Sequence[Path], faults: Faults) -> None:
    """Refuse a class folder that seems to be a split, or contains splits; `nested` are the files in its subfolders."""
    many = f'"{folder}" has files in subfolders ({len(nested)}), such as "{nested[0]}"'
    splits = f"{PART_NAMES}, and contain the class folders"
    if _seems_split(folder):
        faults.refuse(f"{many}: it seems to be a split. Rename it: {splits}. If it is a class, move them into it.")
    elif any(part.lower() in PARTS for path in nested for part in path.relative_to(folder).parts[:-1]):
        faults.refuse(f"{many}: a split in a class folder. Move it: {splits}.")


def _seems_split(folder: Path) -> bool:
    return not set(re.split("[^a-z]+", folder.name.lower())).isdisjoint(SPLIT_WORDS)


def note_unread(
    root: Path,
    read: Collection[Path],
    suffixes: Sequence[str],
    faults: Faults,
    elsewhere: str = "outside the class folders",
) -> None:
    """Report the files in `root` that are not among those `read`, by their endings or by the folders they are in.

    Files in `root` itself count too, but for those about the data, such as README; `elsewhere` says why one of them
    whose ending is one of `suffixes` is not read.
    """
    known, used = set(read), {path.relative_to(root).parts[0] for path in read}
    reasons: Counter[str] = Counter()
    for path in [*list_folder(root), *below(root)]:
        top, *deeper = path.relative_to(root).parts
        is_example = path.suffix.lower() in suffixes
        if path in known or os.path.isdir(path) or not (deeper or is_example or not ABOUT.match(path.name)):
            continue
        if deeper and top not in used:
            reasons[f'in "{top}/"'] += 1
        else:
            reasons[elsewhere if is_example else by_ending(path)] += 1
    note_left_out(root, reasons, suffixes, faults)


def by_ending(path: Path) -> str:
    """Return why a file is not read: its ending."""
    return f"end in {path.suffix.lower()}" if path.suffix else "have no ending"


def note_left_out(root: Path, left_out: Counter[str], suffixes: Sequence[str], faults: Faults) -> None:
    """Report how many files are not read, if any; `left_out` counts them by reason: `end in .heic`, `in "extra/"`."""
    if not left_out:
        return
    total, largest = left_out.total(), left_out.most_common(SHOWN)
    shown = [f"{count} {_singular(reason) if count == 1 else reason}" for reason, count in largest]
    if rest := total - sum(count for _, count in largest):
        shown.append(f"{rest} for other reasons")
    advice = ""
    if any(reason.startswith(("end", "have")) for reason in left_out):
        advice += f" Endings that are read: {', '.join(suffixes)}."
    if any(reason.startswith("in ") for reason in left_out):
        advice += f" {PART_NAMES[0].upper()}{PART_NAMES[1:]}."
    faults.note(f'{total} file{"s" * (total > 1)} not read in "{root}": {", ".join(shown)}.{advice}')


def _singular(reason: str) -> str:
    verb, _, rest = reason.partition(" ")
    return f"{SINGULAR.get(verb, verb)} {rest}"
