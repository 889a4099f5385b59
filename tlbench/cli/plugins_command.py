"""`tlbench plugins`."""

from __future__ import annotations

import dataclasses
import sys

import click

from tlbench.cli.output import print_json, print_table


@click.command("plugins")
@click.option("--strict", is_flag=True, help="Exit with status 1 where there is a problem.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(strict: bool, as_json: bool) -> None:
    """List plugins and the problems met in loading them."""
    from tlbench.plugins import load_catalog

    catalog = load_catalog()
    plugins = [dataclasses.asdict(origin) for origin in catalog.plugins]
    if as_json:
        print_json({"plugins": plugins, "problems": [dataclasses.asdict(problem) for problem in catalog.problems]})
    else:
        print_table(plugins)
        for problem in catalog.problems:
            click.echo(f"\n{problem}", err=True)
    if strict and catalog.problems:
        sys.exit(1)
