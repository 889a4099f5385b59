"""A user's recordings with transcripts: tables, metadata of the hub, Common Voice and LibriSpeech."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tlbench import BadInputError, LoadRequest, TaskData, TaskLabels, UsageError
from tlbench.assets import (
    Labelled,
    Parts,
    Table,
    common_rate,
    divide,
    has_source,
    join_examples,
    keep_published,
    leads_outside,
    list_folder,
    option_path,
    read_table,
    split_by_table,
    split_columns,
    table_files,
    table_parts,
)
from tlbench_speech.transcripts.books import BOOK, books_in, read_books
from tlbench_speech.transcripts.recordings import (
    Recording,
    alphabet_of,
    sound_paths,
    transcript_data,
    transcript_of,
)

FILE_COLUMNS = ("file", "file_name", "path", "audio", "filename", "filepath", "file_path")
TRANSCRIPT_COLUMNS = ("transcript", "transcription", "sentence", "text")
"""Names of columns; of several in a table, the first is taken. In another case, one alone is."""
TABLE_ENDINGS = (".csv", ".tsv", ".jsonl")
METADATA = ("metadata.csv", "metadata.jsonl")
SPLIT_WORDS = ("train", "dev", "valid", "test")
EMPTY = ("refuse", "drop", "keep")
LAYOUTS = (
    'expected a table with the columns file and transcript, or a folder with "metadata.csv", with tables "train" and '
    f'"test", or with files *{BOOK} as LibriSpeech has them'
)


def files(request: LoadRequest) -> Sequence[Path]:
    """Return the tables of both domains and the sound files that they list."""
    sides = _sides(request)
    tables = dict.fromkeys(
        table for parts in sides if parts for half in (parts.train, parts.test) for table in half.tables
    )
    return [*tables, *sound_paths(*sides)]


def labels(request: LoadRequest) -> TaskLabels:
    """Return the alphabet, which is the same for both domains."""
    source, target = _sides(request)
    alphabet = alphabet_of(source, target)
    return TaskLabels(source=None if source is None else alphabet, target=alphabet)


def load(request: LoadRequest) -> TaskData:
    """Read all recordings at the lowest sample rate of any of them."""
    source, target = _sides(request)
    return transcript_data(source, target, common_rate(sound_paths(source, target), request.faults))


def _sides(request: LoadRequest) -> tuple[Parts[Recording] | None, Parts[Recording]]:
    if (chosen := str(request.options["empty"])) not in EMPTY:
        raise UsageError(f'Invalid task.empty="{chosen}": use one of {", ".join(EMPTY)}.')
    target = _side(request, "target")
    return (_side(request, "source") if has_source(request) else None), target


def _side(request: LoadRequest, option: str) -> Parts[Recording]:
    root = option_path(request, option)
    parts = _parts(root, request, option)
    for what, half in (("training", parts.train), ("test", parts.test)):
        if not len(half):
            raise BadInputError(f'The {what} split of "{root}" is empty: add recordings with transcripts.')
        if not any(one.transcript for one in half.inputs):
            raise BadInputError(f'All {what} transcripts of "{root}" are empty: add some that are not.')
    return parts


def _parts(root: Path, request: LoadRequest, option: str) -> Parts[Recording]:
    if root.is_file():
        return _of_table(root, request)
    inside = list_folder(root)
    if metadata := _metadata(root):
        return _of_table(metadata, request)
    if folders := {path: found for path in inside if (found := _metadata(path))}:
        return _published(root, _by_split(folders), lambda path: _recordings(_table(path, request), request))
    if books_in(root):
        return _of_books(root, request)
    if any(path.suffix.lower() in TABLE_ENDINGS for path in inside):
        tables = table_files(request, option, TABLE_ENDINGS)
        return table_parts(tables, lambda path: _recordings(_table(path, request), request), lambda one: one.path.name)
    raise BadInputError(f'"{root}" has no transcripts: {LAYOUTS}.')


def _of_table(path: Path, request: LoadRequest) -> Parts[Recording]:
    table = _table(path, request)
    listed = _recordings(table, request)
    return split_by_table(table, listed, [one.path.name for one in listed.inputs], 0.2)


def _metadata(folder: Path) -> Path | None:
    """Return the table of a folder of the hub, or None if it has none."""
    found = [path for name in METADATA if (path := folder / name).is_file()]
    if len(found) > 1:
        raise BadInputError(f'"{folder}" has {" and ".join(METADATA)}: keep one of them.')
    return found[0] if found else None


def _by_split(folders: Mapping[Path, Path]) -> dict[str, list[Path]]:
    """Return what is in folders by their splits: their names begin with train, dev, valid or test."""
    splits: dict[str, list[Path]] = {}
    for folder, content in folders.items():
        word = next((word for word in SPLIT_WORDS if folder.name.lower().startswith(word)), "")
        if not word:
            raise BadInputError(f'"{folder}" is no split: name it train, valid or test, or move it.')
        splits.setdefault("valid" if word == "dev" else word, []).append(content)
    return splits


def _published(
    root: Path, splits: Mapping[str, Sequence[Path]], read: Callable[[Path], Labelled[Recording]]
) -> Parts[Recording]:
    if "train" not in splits or len(splits) == 1:
        raise BadInputError(
            f'"{root}" has recordings of {" and ".join(sorted(splits))} alone: expected folders train and test, or '
            f"train and valid. Add what is missing, or give all recordings in one table without splits."
        )
    return keep_published({name: functools.reduce(join_examples, map(read, paths)) for name, paths in splits.items()})


def _column(table: Table, names: Sequence[str], what: str) -> str:
    found = next((name for name in names if name in table.columns), "")
    alike = [name for name in table.columns if name.lower() in names]
    if not found and len(alike) == 1:
        found = alike[0]
        table.faults.describe(found, what)
    if not found:
        raise BadInputError(
            f'"{table.path}" has no column of {what}: expected one of {", ".join(names)}, found '
            f"{', '.join(table.columns)}. Rename the column, or set task.transcript."
        )
    return found


def _columns(table: Table, request: LoadRequest) -> tuple[str, str]:
    named = str(request.options["transcript"]).strip()
    return _column(table, FILE_COLUMNS, "files"), _column(
        table, [named] if named else TRANSCRIPT_COLUMNS, "transcripts"
    )


def _table(path: Path, request: LoadRequest) -> Table:
    """Return a table without rows of missing files and, as task.empty says, without those of empty transcripts."""
    table = read_table(path, quotes=bool(request.options["quotes"]), faults=request.faults)
    file, transcript = _columns(table, request)
    seen: set[Path] = set()
    kept: list[int] = []
    for row, (name, text) in enumerate(zip(table.column(file), table.column(transcript), strict=True)):
        fault, found = "", _located(table.path.parent, name)
        if path.name in METADATA and leads_outside(name.strip()):
            fault = f'"{name}" is outside "{path.parent}": use a path inside it.'
        elif found is None:
            fault = f'"{name}" does not exist: correct the column "{file}", or remove the row.'
        elif found in seen:
            fault = f'"{name}" is listed twice: keep one row.'
        elif not transcript_of(text, request) and request.options["empty"] == "refuse":
            fault = (
                f'the transcript of "{name}" is empty: add it, or use --set task.empty=drop (leave such recordings '
                f"out) or keep (nothing is said in them)."
            )
        if fault:
            table.faults.refuse(f'"{table.path}", line {table.lines[row]}: {fault}')
        elif found and (transcript_of(text, request) or request.options["empty"] == "keep"):
            seen.add(found)
            kept.append(row)
    if not kept:
        raise BadInputError(f'"{table.path}" has no row with a sound file and a transcript: add some.')
    return replace(table, rows=[table.rows[row] for row in kept], lines=[table.lines[row] for row in kept])


def _located(folder: Path, name: str) -> Path | None:
    """Return a listed file, beside the table or in its folder `clips` (Common Voice); None if there is none."""
    # As UTF-8 bytes, which are the names of files in every locale.
    local = os.fsdecode(name.strip().encode())
    return next((path for path in (folder / local, folder / "clips" / local) if local and path.is_file()), None)


def _recordings(table: Table, request: LoadRequest) -> Labelled[Recording]:
    file, transcript = _columns(table, request)
    uses = {file: "sound file", transcript: "transcript", "split": "split"}
    for name in table.columns:
        table.faults.describe(name, uses.get(name, "group" if name == request.options["group"] else "not used"))
    inputs = [
        Recording(
            _located(table.path.parent, name) or Path(name),
            transcript_of(text, request),
            f'"{table.path}", line {line}',
        )
        for line, name, text in zip(table.lines, table.column(file), table.column(transcript), strict=True)
    ]
    listed = Labelled(
        where=table.path, inputs=inputs, labels=[""] * len(inputs), tables=(table.path,), faults=table.faults
    )
    return split_columns(request).of(table, listed)


def _of_books(root: Path, request: LoadRequest) -> Parts[Recording]:
    """Return the recordings of a folder as LibriSpeech has it; speakers are the groups.

    They are divided by speakers if their folders are those of one split, such as train-clean-100 and train-other-500.
    """
    if named := split_columns(request).named():
        raise BadInputError(
            f'"{root}" has files *{BOOK}, which have no column "{named[0]}": leave out task.group and task.time; the '
            f"speakers in their names are the groups."
        )
    folders = [path for path in list_folder(root) if path.is_dir() and books_in(path)]
    if all(path.name.lower().startswith(SPLIT_WORDS) for path in folders):
        splits = _by_split({path: path for path in folders})
        if len(splits) > 1:
            return _published(root, splits, lambda path: read_books(path, request))
    listed = read_books(root, request)
    return divide(listed, [one.path.name for one in listed.inputs])
