"""`tlbench new`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from tlbench.cli.output import say
from tlbench.cli.scaffold import OFFERS, Package, check, write
from tlbench.cli.task_forms import FORMS


@click.command("new")
@click.argument("kind", type=click.Choice(list(OFFERS)))
@click.argument("name")
@click.option(
    "--kind",
    "problem",
    type=click.Choice(["classification", *FORMS]),
    default="classification",
    metavar="KIND",
    help=f"What a new task asks for: classification, {', '.join(FORMS)}.  [default: classification]",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Create the package's folder in DIR  [default: the current folder]",
)
def command(kind: str, name: str, problem: str, folder: Path) -> None:
    """Create the package of a plugin: a small one that works, with tests.

    NAME is DOMAIN/NAME for a task and for a task with a kind of problem of its own; the domain must exist. It is
    MODALITY/NAME for a backbone. The package is created in the folder tlbench-NAME.
    """
    from tlbench.planning.catalog import load_catalog

    package = Package(kind=kind, name=name, problem=problem)
    check(package, load_catalog())
    target = write(package, folder)
    pip = "python -m pip" if find_spec("pip") else "uv pip"
    say(f"Created the {kind} {name} in {target}. Next steps:\n")
    for line in (f"cd {target}", f'{pip} install -e ".[test]"', "python -m pytest", package.run):
        say(f"    {line}")
