"""Tasks for anyone's own files whose labels are numbers, or several at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import (
    MULTI_LABEL,
    REGRESSION,
    SPLIT_OPTIONS,
    DomainSpec,
    LoadRequest,
    Option,
    TaskLabels,
    TaskSpec,
    deferred,
)
from tlbench_data.options import DROPPED, FEATURES, QUOTES, places, used_columns
from tlbench_data.own import TABLE_FORMATS, fixed_labels

TABLES = places(
    f"{TABLE_FORMATS}, a fifth is held out; or folder with the tables train and test (or valid)",
    "table or folder with the same columns",
    alone=True,
)


def _files(request: LoadRequest, *columns: str) -> Sequence[Path]:
    from tlbench.assets import check_columns, side_tables, split_columns

    paths = [path for files in side_tables(request).values() for part in files.values() for path in part]
    for path in paths:
        named = (*columns, *split_columns(request).named())
        check_columns(path, *named, quotes=bool(request.options.get("quotes", True)), faults=request.faults)
    return paths


def label_columns(request: LoadRequest) -> tuple[str, ...]:
    """Return the label columns that the option names, separated by commas."""
    return tuple(name.strip() for name in str(request.options["label"]).split(","))


def _named(request: LoadRequest) -> TaskLabels:
    return fixed_labels(request, label_columns(request))


def _number_files(request: LoadRequest) -> Sequence[Path]:
    return _files(request, *used_columns(request, *label_columns(request)))


def _tag_files(request: LoadRequest) -> Sequence[Path]:
    return _files(request, str(request.options["text"]), *label_columns(request))


def vector_domain() -> DomainSpec:
    """Return the domain of tables that belong to no other."""
    return DomainSpec(name="tabular", title="Tables", summary="Records of numbers and categories.")


def _numbers() -> TaskSpec:
    return TaskSpec(
        name="tabular/regression",
        title="Your own numbers",
        summary="A table of records, each with a number to predict; a second one is the source.",
        source="The table in task.source, if there is one.",
        target="The table in task.target.",
        shift="Any difference between the two; the unit stays the same.",
        modality="tabular",
        kind=REGRESSION,
        metric="r2",
        backbone="tabular/mlp",
        label_budget=100,
        data_from="user",
        options=(
            *TABLES,
            Option(name="label", default="label", summary="column of the number, or columns separated by commas"),
            Option(name="log", default=False, summary="apply log(1 + x) to every number except the label"),
            *FEATURES,
            *SPLIT_OPTIONS,
        ),
        files=_number_files,
        load=deferred("tlbench_data.tasks.vectors", "load_numbers"),
        labels=_named,
        reader=deferred("tlbench.assets", "record_reader"),
    )


def _tags() -> TaskSpec:
    return TaskSpec(
        name="nlp/tag-table",
        title="Your own tagged texts",
        summary="A table of texts, one column of 0 and 1 for each tag; a second one is the source.",
        source="The table in task.source, if there is one.",
        target="The table in task.target.",
        shift="Any difference between the two; the tags stay the same.",
        modality="text",
        kind=MULTI_LABEL,
        metric="mean-average-precision",
        backbone="text/bert-small",
        label_budget=100,
        data_from="user",
        options=(
            *TABLES,
            Option(name="text", default="text", summary="column of the texts"),
            Option(name="label", default="label", summary="columns of the tags, separated by commas"),
            QUOTES,
            DROPPED,
            *SPLIT_OPTIONS,
        ),
        files=_tag_files,
        load=deferred("tlbench_data.tasks.vectors", "load_tags"),
        labels=_named,
        reader=deferred("tlbench.assets", "text_reader"),
    )


def vector_tasks() -> list[TaskSpec]:
    """Return the tasks whose files a user names."""
    return [_numbers(), _tags()]
