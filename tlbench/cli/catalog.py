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
    help="Also load a plugin from a single file. Repeatable.",
)


def catalog_with(plugins: Sequence[Path], listeners: Iterable[object] = ()) -> Catalog:
    """Return the catalog of the installed plugins and these files. Raises `UsageError` for an invalid plugin file."""
    from tlbench.planning.catalog import load_catalog
    from tlbench.planning.discovery import plugin_file

    candidates = [plugin_file(path) for path in plugins]
    catalog = load_catalog(listeners, also=candidates)
    for problem in catalog.problems:
        if problem.origin in [candidate.origin for candidate in candidates]:
            raise UsageError(f'The plugin "{problem.origin.entry_point}" could not be loaded: {problem.sentences}')
    return catalog
