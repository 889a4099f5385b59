"""`tlbench check`."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli.output import print_json, print_table, say
from tlbench.errors import UnknownNameError

if TYPE_CHECKING:
    from tlbench.planning.catalog import Catalog
    from tlbench.planning.discovery import PluginCandidate
    from tlbench.testing.conformance import Result


@click.command("check")
@click.argument("plugin", metavar="NAME_OR_PATH")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(plugin: str, as_json: bool) -> None:
    """Check a plugin against the plugin API: run the conformance tests of everything it offers.

    NAME is an installed distribution. PATH is a folder with a pyproject.toml, or a single FILE.py; neither needs to be
    installed. Tasks whose data is missing are skipped with the reason. The exit status is 1 if a check fails.
    """
    from tlbench.planning.catalog import load_catalog
    from tlbench.testing.toy import toy_candidate

    candidates, path = _find(plugin)
    origins = [candidate.origin for candidate in candidates]
    catalog = load_catalog(also=[toy_candidate(), *(candidates if path else ())])
    problems = [problem for problem in catalog.problems if problem.origin in origins]
    results = _check(catalog, candidates, path)
    if as_json:
        print_json({"results": [*map(dataclasses.asdict, results)], "problems": [*map(dataclasses.asdict, problems)]})
    else:
        _print(results)
        for problem in problems:
            say(f"Plugin error: {problem}")
    if problems or any(result.status == "failed" for result in results):
        sys.exit(1)


def _find(plugin: str) -> tuple[list[PluginCandidate], Path | None]:
    """Return the plugins of a name or path, and the path if they are not installed."""
    from tlbench.planning.discovery import installed, normalised
    from tlbench.testing.child import sources_of

    candidates = list(installed())
    if named := [one for one in candidates if normalised(one.origin.distribution) == normalised(plugin)]:
        return named, None
    path = Path(plugin).expanduser()
    if not path.exists():
        raise UnknownNameError("plugin, file or folder", plugin, {one.origin.distribution for one in candidates})
    return sources_of(path), path.resolve()


def _check(catalog: Catalog, candidates: Sequence[PluginCandidate], path: Path | None) -> list[Result]:
    from rich.console import Console

    from tlbench.testing.conformance import check_spec, specs_of

    results: list[Result] = []
    specs = specs_of(catalog, [candidate.origin for candidate in candidates])
    with tempfile.TemporaryDirectory(prefix="tlbench-check-") as folder, Console(stderr=True).status("") as status:
        for number, spec in enumerate(specs, start=1):
            progress = f"{spec.name} ({number} of {len(specs)})"
            status.update(progress)
            for result in check_spec(spec, catalog, Path(folder), path):
                status.update(f"{progress}, done: {result.check}")
                results.append(result)
    return results


def _print(results: Sequence[Result]) -> None:
    """Print the table, and each reason once below it."""
    if not results:
        say("The plugin offers nothing to check.")
        return
    print_table([{"spec": result.spec, "check": result.check, "result": result.status} for result in results])
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for result in results:
        if result.reason:
            reasons.setdefault((result.status, result.spec, result.reason), []).append(result.check)
    for (status, spec, reason), checks in reasons.items():
        say(f"\n{status}: {spec}: {', '.join(checks)}\n  {reason}")
    counts = Counter(result.status for result in results)
    say(f"\nchecks: {', '.join(f'{counts[name]} {name}' for name in ('ok', 'note', 'skipped', 'failed'))}")
