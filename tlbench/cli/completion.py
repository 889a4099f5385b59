"""Names that the shell may complete; no heavy library is loaded for them."""

from __future__ import annotations

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from tlbench.results.escapes import plain
from tlbench.results.files import BOARD

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def names_of(*sorts: str) -> Complete:
    """Return a completion by the names of these parts of the catalog: `tasks`, `backbones` and the like.

    Of a family of backbones, what its names begin with: they are too many.
    """

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from tlbench.planning.catalog import load_catalog

        catalog = load_catalog()
        known = {name: spec.title for sort in sorts for name, spec in getattr(catalog, sort).items()}
        if "backbones" in sorts:
            known |= {f"{name}/": family.title for name, family in catalog.families.items()}
        return [CompletionItem(name, help=plain(title)) for name, title in known.items() if name.startswith(incomplete)]

    return complete


def suites(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of shipped suites, else a file."""
    from tlbench.planning.suites import suite_names

    names = [CompletionItem(name) for name in suite_names() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def everything(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete what `tlbench show` takes: the name of a spec, else that of a row."""
    from tlbench.cli.board import row_names

    specs = names_of("domains", "tasks", "backbones", "strategies")(context, parameter, incomplete)
    names = [name for name in row_names(context.params.get("board") or BOARD) if name.startswith(incomplete)]
    return specs or [CompletionItem(name) for name in names if name.isprintable()]
