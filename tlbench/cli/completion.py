"""Names that a shell completes, found without a heavy library."""

from __future__ import annotations

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from tlbench.results.escapes import plain
from tlbench.results.files import BOARD

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def names_of(*sorts: str) -> Complete:
    """Return a completion of the names in these parts of the catalog: `tasks`, `backbones` and so on.

    A family of backbones has too many names: only its prefix is completed.
    """

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from tlbench.planning.catalog import load_catalog

        catalog = load_catalog()
        titles = {name: spec.title for sort in sorts for name, spec in getattr(catalog, sort).items()}
        if "backbones" in sorts:
            titles |= {f"{name}/": family.title for name, family in catalog.families.items()}
        return [
            CompletionItem(name, help=plain(title)) for name, title in titles.items() if name.startswith(incomplete)
        ]

    return complete


def suites(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the names of shipped suites, else a file."""
    from tlbench.planning.suites import suite_names

    names = [CompletionItem(name) for name in suite_names() if name.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def everything(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the argument of `tlbench show`: the name of a spec, else that of a result."""
    from tlbench.cli.board import row_names

    specs = names_of("domains", "tasks", "backbones", "strategies", "estimators", "analyses")(
        context, parameter, incomplete
    )
    names = [name for name in row_names(context.params.get("board") or BOARD) if name.startswith(incomplete)]
    return specs or [CompletionItem(name) for name in names if name.isprintable()]
