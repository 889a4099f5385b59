"""Texts with one label each: review snippets rated by people (Hutto & Gilbert 2014), and one's own tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tlbench import LoadRequest, TaskData, TaskLabels
from tlbench.assets import (
    Labelled,
    Parts,
    hold_out,
    label_rows,
    missing_option,
    number_cells,
    read_table,
    read_text_table,
    side_tables,
    split_columns,
    table_parts,
    task_data,
    task_labels,
    transductive_data,
)
from tlbench_nlp.plugin import snippet_files


def load_table(request: LoadRequest) -> TaskData:
    """Read texts or pairs of texts, and labels.

    Each domain is one table, or the tables `train` and `test`. Equal texts stay together, unless columns of groups or
    times say how to split.
    """
    columns = [str(request.options[name]) for name in ("text", "pair") if request.options[name]]
    reading = {"columns": columns, "quotes": bool(request.options["quotes"])}
    return task_data(*_table_sides(request), reading=reading)


def table_labels(request: LoadRequest) -> TaskLabels:
    """Return the labels of each domain."""
    return task_labels(*_table_sides(request))


def _table_sides(request: LoadRequest) -> tuple[Parts[Any] | None, Parts[Any]]:
    """Return the texts of both domains; None if the user names no source."""
    text, label, pair = (str(request.options[name]) for name in ("text", "label", "pair"))
    columns = split_columns(request)

    def read(path: Path) -> Labelled[Any]:
        table = read_text_table(
            path,
            texts=(text, pair) if pair else (text,),
            labels=(label, *columns.named()),
            quotes=bool(request.options["quotes"]),
            missing=missing_option(request, ("refuse", "drop")),
            faults=request.faults,
        )
        texts = table.column(text)
        inputs = list(zip(texts, table.column(pair), strict=True)) if pair else texts
        for line, example in zip(table.lines, inputs, strict=True):
            request.faults.locate(example, f"{path}, line {line}")
        return label_rows(table, inputs, label, columns)

    tables = side_tables(request)
    *source, target = request.faults.attempt_all(lambda files: table_parts(files, read, str), tables.values())
    return (source[0] if source else None), target


def load_snippets(request: LoadRequest) -> TaskData:
    """Read movie snippets, a fifth held out, and product sentences, half of the documents held out."""
    (movies, movie_ids), (products, product_ids) = (_read_snippets(path) for path in snippet_files(request))
    documents = [name.split("_")[0] for name in product_ids]
    return transductive_data(hold_out(movies, movie_ids), hold_out(products, documents, part=0.5))


def _read_snippets(path: Path) -> tuple[Labelled[str], list[str]]:
    """Return snippets with the sign of their mean rating, none of them 0, and their names."""
    table = read_table(path, columns=("name", "rating", "text"), separator="\t", quotes=False)
    ratings = number_cells(table, range(len(table.rows)), "rating")
    kept = [row for row, rating in enumerate(ratings) if rating != 0]
    labels = ["positive" if ratings[row] > 0 else "negative" for row in kept]
    texts = Labelled(where=path, inputs=table.cells("text", kept), labels=labels)
    return texts, table.cells("name", kept)
