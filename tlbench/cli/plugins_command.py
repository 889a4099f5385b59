"""`tlbench plugins`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import print_json, print_table, say
from tlbench.planning.named_files import catalog_with


@click.command("plugins")
@click.option("--strict", is_flag=True, help="Exit with status 1 if a plugin has an error.")
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(plugins: Sequence[Path], strict: bool, as_json: bool) -> None:
    """List plugins and their loading errors."""
    catalog = catalog_with(plugins)
    editions = catalog.editions
    loaded = [{**dataclasses.asdict(origin), "api": editions[str(origin)]} for origin in catalog.plugins]
    if as_json:
        print_json({"plugins": loaded, "problems": [dataclasses.asdict(problem) for problem in catalog.problems]})
    else:
        print_table([{("API" if key == "api" else key): value for key, value in one.items()} for one in loaded])
        for problem in catalog.problems:
            say(f"\n{problem}", err=True)
    if strict and catalog.problems:
        sys.exit(1)
