"""A user's recordings with transcripts: tables, metadata of the hub, Common Voice and LibriSpeech."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tlbench import BadInputError, LoadRequest, TaskData, TaskLabels, UsageError
from tlbench.assets import (
    SOUND_SUFFIXES,
    Labelled,
    Parts,
    Table,
    common_rate,
    divide,
    has_source,
    list_folder,
    option_path,
    published_parts,
    read_table,
    split_by_table,
    split_columns,
    table_files,
    table_parts,
)
from tlbench_speech.transcripts.recordings import (
    Recording,
    alphabet_of,
    normalised,
    sound_paths,
    spaced,
    transcript_data,
)

FILE_COLUMNS = ("file", "file_name", "path", "audio", "filename")
TRANSCRIPT_COLUMNS = ("transcript", "transcription", "sentence", "text")
"""Names of columns; of several in a table, the first is taken."""
TABLE_ENDINGS = (".csv", ".tsv", ".jsonl")
METADATA = ("metadata.csv", "metadata.jsonl")
BOOK = ".trans.txt"
"""What the files of LibriSpeech that list transcripts end in."""
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
    if metadata := [path for path in inside if path.name in METADATA]:
        return _of_table(metadata[0], request)
    if folders := {path.name: path / name for path in inside for name in METADATA if (path / name).is_file()}:
        return _published(folders, lambda path: _recordings(_table(path, request), request))
    if _books(root):
        return _of_books(root, request)
    if any(path.suffix.lower() in TABLE_ENDINGS for path in inside):
        tables = table_files(request, option, TABLE_ENDINGS)
        return table_parts(tables, lambda path: _recordings(_table(path, request), request), lambda one: one.path.name)
    raise BadInputError(f'"{root}" has no transcripts: {LAYOUTS}.')


def _of_table(path: Path, request: LoadRequest) -> Parts[Recording]:
    table = _table(path, request)
    listed = _recordings(table, request)
    return split_by_table(table, listed, [one.path.name for one in listed.inputs], 0.2)


def _published(folders: dict[str, Path], read: Callable[[Path], Labelled[Recording]]) -> Parts[Recording]:
    """Return the splits of folders whose names begin with train, dev, valid or test."""
    parts: dict[str, Labelled[Recording]] = {}
    for name, path in folders.items():
        word = next((word for word in SPLIT_WORDS if name.lower().startswith(word)), "")
        if not word:
            raise BadInputError(f'"{path.parent}" is no split: name it train, valid or test, or move it.')
        part, split = "valid" if word in ("dev", "valid") else word, read(path)
        parts[part] = _joined(parts[part], split) if part in parts else split
    return published_parts(parts)


def _joined(one: Labelled[Recording], other: Labelled[Recording]) -> Labelled[Recording]:
    groups = None if one.groups is None or other.groups is None else [*one.groups, *other.groups]
    return replace(
        one,
        inputs=[*one.inputs, *other.inputs],
        labels=[*one.labels, *other.labels],
        groups=groups,
        times=None if one.times is None or other.times is None else [*one.times, *other.times],
        tables=(*one.tables, *other.tables),
    )


def _column(table: Table, names: Sequence[str], what: str) -> str:
    found = next((name for name in names if name in table.columns), "")
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
    table = read_table(path, faults=request.faults)
    file, transcript = _columns(table, request)
    seen: set[Path] = set()
    kept: list[int] = []
    for row, (name, text) in enumerate(zip(table.column(file), table.column(transcript), strict=True)):
        fault, found = "", _located(table.path.parent, name)
        if found is None:
            fault = f'"{name}" does not exist: correct the column "{file}", or remove the row.'
        elif found in seen:
            fault = f'"{name}" is listed twice: keep one row.'
        elif not _text(text, request) and request.options["empty"] == "refuse":
            fault = (
                f'the transcript of "{name}" is empty: add it, or use --set task.empty=drop (leave such recordings '
                f"out) or keep (nothing is said in them)."
            )
        if fault:
            table.faults.refuse(f'"{table.path}", line {table.lines[row]}: {fault}')
        elif found is not None and (_text(text, request) or request.options["empty"] == "keep"):
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
        Recording(_located(table.path.parent, name) or Path(name), _text(text, request), f'"{table.path}", line {line}')
        for line, name, text in zip(table.lines, table.column(file), table.column(transcript), strict=True)
    ]
    listed = Labelled(
        where=table.path, inputs=inputs, labels=[""] * len(inputs), tables=(table.path,), faults=table.faults
    )
    return split_columns(request).of(table, listed)


def _text(text: str, request: LoadRequest) -> str:
    return normalised(text) if request.options["normalise"] else spaced(text)


def _books(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob(f"*{BOOK}") if path.is_file())


def _of_books(root: Path, request: LoadRequest) -> Parts[Recording]:
    """Return the recordings of a folder as LibriSpeech has it; speakers are the groups, unless it has splits."""
    if named := split_columns(request).named():
        raise BadInputError(
            f'"{root}" has files *{BOOK}, which have no column "{named[0]}": leave out task.group and task.time; the '
            f"speakers in their names are the groups."
        )
    splits = {path.name: path for path in list_folder(root) if path.is_dir() and _books(path)}
    if all(name.lower().startswith(SPLIT_WORDS) for name in splits) and len(splits) > 1:
        return _published(splits, lambda path: _from_books(path, request))
    listed = _from_books(root, request)
    return divide(listed, [one.path.name for one in listed.inputs])


def _from_books(root: Path, request: LoadRequest) -> Labelled[Recording]:
    books = _books(root)
    inputs = [one for book in books for one in _lines(book, request)]
    return Labelled(
        where=root,
        inputs=inputs,
        labels=[""] * len(inputs),
        groups=[one.path.stem.split("-")[0] for one in inputs],
        tables=tuple(books),
        faults=request.faults,
    )


def _lines(book: Path, request: LoadRequest) -> Iterator[Recording]:
    for number, line in enumerate(book.read_text(encoding="utf-8-sig").splitlines(), 1):
        name, _, text = line.strip().partition(" ")
        if not name:
            continue
        where, said = f'"{book}", line {number}', _text(text, request)
        path = next((found for end in SOUND_SUFFIXES if (found := book.parent / f"{name}{end}").is_file()), None)
        if path is None:
            request.faults.refuse(f'{where}: there is no sound file "{name}" beside it: add it, or remove the line.')
        elif not said and request.options["empty"] == "refuse":
            request.faults.refuse(
                f'{where}: the transcript of "{name}" is empty: add it, or use --set task.empty=drop.'
            )
        elif said or request.options["empty"] == "keep":
            yield Recording(path, said, where)
