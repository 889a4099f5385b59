"""The option `--plugin`, and the catalog of a command that takes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.errors import UsageError

if TYPE_CHECKING:
    from tlbench.planning.catalog import Catalog

plugin_option = click.option(
    "--plugin",
    "plugins",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE.py",
    help="Plugin in a single file, beside the installed ones; repeatable.",
)


def catalog_with(plugins: Sequence[Path], listeners: Iterable[object] = ()) -> Catalog:
    """Return the catalog of the installed plugins and these files. Raises `UsageError` for a file that is no plugin."""
    from tlbench.planning.catalog import load_catalog
    from tlbench.planning.discovery import plugin_file

    sources = [plugin_file(path) for path in plugins]
    catalog = load_catalog(listeners, also=sources)
    for problem in catalog.problems:
        if problem.origin in [source.origin for source in sources]:
            raise UsageError(f'The plugin "{problem.origin.entry_point}" cannot be used: {problem.cause}')
    return catalog
