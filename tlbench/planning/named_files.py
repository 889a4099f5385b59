"""The catalog of the installed plugins and of files that the user names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.errors import UsageError

if TYPE_CHECKING:
    from tlbench.planning.catalog import Catalog


def catalog_with(
    plugins: Sequence[Path], listeners: Iterable[object] = (), only: Collection[str] | None = None
) -> Catalog:
    """Return the catalog of the installed plugins and these files, with `only` of those alone.

    Raises `UsageError` for an invalid plugin file.
    """
    from tlbench.planning.catalog import load_catalog
    from tlbench.planning.discovery import plugin_file

    candidates = [plugin_file(path) for path in plugins]
    catalog = load_catalog(listeners, also=candidates, only=only)
    for problem in catalog.problems:
        if problem.origin in [candidate.origin for candidate in candidates]:
            raise UsageError(f'The plugin "{problem.origin.entry_point}" could not be loaded: {problem.sentences}')
    return catalog
