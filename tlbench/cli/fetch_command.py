"""`tlbench fetch`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import progress_bar, say
from tlbench.errors import UsageError
from tlbench.planning.named_files import catalog_with

if TYPE_CHECKING:
    from tlbench.assets.registry import DataSet
    from tlbench.contract.specs import TaskSpec


@click.command("fetch")
@click.argument("tasks", nargs=-1, metavar="[TASK]...")
@click.option("--suite", default="", help="Fetch the data of every task in a suite, such as real.")
@click.option(
    "--data",
    envvar="TLBENCH_DATA",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of published data sets.  [default: TLBENCH_DATA]",
)
@plugin_option
def command(tasks: Sequence[str], suite: str, data: Path | None, plugins: Sequence[Path]) -> None:
    """Download published data sets and verify every file.

    Existing files are verified and kept, so that a stopped download can continue. TLBENCH_MIRROR, such as
    http://host:8000, replaces scheme and host in every URL.
    """
    from tlbench.assets.fetch import fetch, lacking

    if data is None:
        raise UsageError("No data folder: set TLBENCH_DATA or use --data DIR.")
    root = data.expanduser().resolve()
    mirror = os.environ.get("TLBENCH_MIRROR", "")
    for data_set in _data_sets(tasks, suite, plugins):
        by = f"  mirror   {mirror}\n" if mirror else ""
        say(
            f"{data_set.title}\n  from     {data_set.url}{data_set.archive}\n{by}  to       {root / data_set.folder}\n"
            f"  licence  {data_set.licence}\n  cite     {data_set.cite}"
        )
        files = lacking(data_set, root)
        if files:
            with progress_bar(data_set.folder, len(files)) as on_file:
                fetch(data_set, files, root, mirror, on_file)
        say(
            f"  files    {len(files)} downloaded, {len(data_set.files) - len(files)} already present; checksums match\n"
        )
    if str(data) != os.environ.get("TLBENCH_DATA"):
        say(f"To use these files, set TLBENCH_DATA={root}")


def _data_sets(names: Sequence[str], suite: str, plugins: Sequence[Path]) -> list[DataSet]:
    """Return the data sets of the tasks, each once."""
    from tlbench.assets.registry import read_origin
    from tlbench.planning.suites import read_suite

    catalog = catalog_with(plugins)
    tasks = [catalog.task(name) for name in names]
    for task in tasks:
        if not task.origins:
            raise UsageError(f'Task "{task.name}" has no data to download: {_why(task)}.')
    if suite:
        tasks += [catalog.task(name) for run in read_suite(suite).runs for name in run.tasks]
    paths = dict.fromkeys(path for task in tasks for path in task.origins)
    if not paths:
        raise UsageError("Nothing to download: name a task or use --suite real. See: tlbench list")
    return [read_origin(path) for path in paths]


def _why(task: TaskSpec) -> str:
    reasons = {
        "package": "its data is generated or included in a library",
        "data-root": "its plugin gives no URL",
        "user": "it reads your own files",
    }
    return reasons[task.data_from]
