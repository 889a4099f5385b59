"""Rows -> the files of a board."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tlbench.errors import StoreError
from tlbench.leaderboard import latex, markdown, over_tasks, over_tasks_page, pictures, questions
from tlbench.leaderboard.advice import pages as advice_pages
from tlbench.leaderboard.advice import verdict
from tlbench.leaderboard.aggregate import Entry, aggregate, without_score
from tlbench.results.escapes import plain, plain_json
from tlbench.results.files import folder_name, write_bytes
from tlbench.results.row import Row

FORMULA = tuple("=+-@＝＋－＠")
"""What the text of a formula begins with; the wide forms count in some languages."""

NESTED = ("flags", "scores", "estimates", "analyses")
"""Columns that hold sentences or numbers by name: CSV has a column for each of these."""


def render(board: Path, rows: Sequence[Row], plots: bool = False) -> list[Path]:
    """Write `DOMAIN.md`, `.csv` and `.tex`, `leaderboard.json`, `over-tasks.json` and `README.md`; return paths.

    With `plots`, pictures are drawn; without, pages show only those that were drawn from the same rows before: a board
    may be refreshed while a run goes on. Raises `StoreError` if a file cannot be written; its old content is kept.
    """
    try:
        return _render(board, rows, plots)
    except OSError as error:
        raise StoreError(
            f'The leaderboards in "{board}" could not be written ({error.strerror or error}). The results are kept: '
            "free disk space or correct the permissions, then run: tlbench leaderboard"
        ) from error


def _render(board: Path, rows: Sequence[Row], plots: bool) -> list[Path]:
    entries, left = aggregate(rows, board), without_score(rows)
    paths = pictures.draw(board, entries, left) if plots else []
    made = texts(rows, entries, left, pictures.read_drawn(board))
    return [*paths, *(_write(board / name, text) for name, text in made.items())]


def texts(
    rows: Sequence[Row], entries: Sequence[Entry], left: Sequence[Entry], drawn: Mapping[str, str]
) -> dict[str, str]:
    """Return the content of every file of a board but its pictures, by the file's name.

    `entries` are those of the rows with a score, `left` those of the others; `drawn` says from which numbers each
    picture was drawn.
    """
    made: dict[str, str] = {}
    advice = verdict.advise(entries, left)
    for domain, own, own_left in pictures.by_domain(entries, left):
        name, picture = folder_name(domain), pictures.shown(drawn, domain, pictures.source_of([*own, *own_left]))
        made[f"{name}.md"] = markdown.domain_page(domain, own, own_left, picture, advice_pages.full(advice, domain))
        made[f"{name}.csv"] = table_csv([*own, *own_left])
        made[f"{name}.tex"] = latex.domain_tables(domain, own, own_left)
    everything = [*entries, *left]
    comparisons, neighbours = over_tasks.compare(entries, rows), over_tasks.neighbours(entries)
    section = over_tasks_page.section(comparisons, neighbours)
    picture = pictures.shown(drawn, "", pictures.source_of(everything))
    made["leaderboard.json"] = json_text(everything)
    made["over-tasks.json"] = over_tasks_page.json_text(comparisons, neighbours)
    # Real checkpoints are what a board is read for: their tasks come first.
    real = {entry.first.task for entry in entries if questions.pretrained(entry.first)}
    brief = advice_pages.short(sorted(advice, key=lambda of_task: of_task.task not in real))
    made["README.md"] = markdown.overview(entries, left, picture, brief, section)
    return made


def _write(path: Path, text: str) -> Path:
    write_bytes(path, text.encode())
    return path


def json_text(entries: Sequence[Entry]) -> str:
    """Return every entry with every number, unrounded, and the files of its rows."""
    records = [_with_marks(entry) for entry in entries]
    return plain_json(f"{json.dumps(records, indent=1, ensure_ascii=False, allow_nan=False)}\n")


def _with_marks(entry: Entry) -> dict[str, Any]:
    """Return the record of an entry with its marks, if it has any: they are no numbers that pictures are drawn from."""
    return {**entry.record, **({"marks": dict(entry.marks)} if entry.marks else {})}


def table_csv(entries: Sequence[Entry]) -> str:
    """Return the same as CSV: a column for each metric, estimate and number of an analysis; no text is a formula.

    Row files are separated by blanks.
    """
    records = []
    for entry in entries:
        record = {"marks": {}, **_with_marks(entry)}
        rows, nested = record.pop("rows"), {name: record.pop(name) for name in (*NESTED, "marks")}
        named = {f"{field}.{name}": value for field, values in nested.items() for name, value in values.items()}
        line = {**record, **named, "rows": " ".join(rows)}
        records.append({plain(name): _cell(value) for name, value in line.items()})
    names = dict.fromkeys(name for record in records for name in record if name != "rows")
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*names, "rows"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return stream.getvalue()


def _cell(value: Any) -> Any:
    """Return a value as a cell of CSV: text that a spreadsheet would compute begins with an apostrophe."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
