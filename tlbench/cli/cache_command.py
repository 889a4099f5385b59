"""`tlbench cache`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.assets.folders import cache_folder
from tlbench.cli.output import print_facts, print_json, progress_bar, say
from tlbench.cli.quantities import parse_age, parse_size

if TYPE_CHECKING:
    from tlbench.engine.cache import CachedStage

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("cache", invoke_without_command=True)
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show, prune and verify the cache of finished stages (TLBENCH_CACHE).

    Without a subcommand: number and size of results for each stage.
    """
    if context.invoked_subcommand is None:
        from tlbench.engine.cache import cached_stages, size_of

        root, stages = cache_folder(), cached_stages(cache_folder())
        other = size_of([root], frozenset(stage.folder for stage in stages))
        facts = {**_totals(root, stages), "other_bytes": other}
        print_json(facts) if as_json else _print(facts)


@command.command("prune")
@click.option(
    "--older-than", callback=parse_age, metavar="AGE", help="Remove stages that were not used for 30d, 12h or 2w."
)
@click.option(
    "--max-size", callback=parse_size, metavar="SIZE", help="Remove the longest unused until stages fit in 10GB."
)
@click.option("--dry-run", is_flag=True, help="Remove nothing; print what would be removed.")
@json_option
def prune_command(older_than: float | None, max_size: float | None, dry_run: bool, as_json: bool) -> None:
    """Remove finished stages, the one that was not used for longest first.

    A stage is used when a run computes it or finds it. Stages that a process computes or that were used within the
    last hour are kept. What is removed is computed again when a run needs it.
    """
    from rich.filesize import decimal

    from tlbench.engine.cache import cached_stages, prune
    from tlbench.errors import UsageError
    from tlbench.planning.settings import Settings

    if older_than is None and max_size is None:
        raise UsageError("Nothing says what to remove: use --older-than 30d, --max-size 10GB or both.")
    root = cache_folder()
    Settings(cache=root).check_cache()
    gone = prune(root, older_than, max_size, dry_run) if root.is_dir() else []
    if as_json:
        print_json({**_totals(root, gone), "dry_run": dry_run, "folders": [str(stage.folder) for stage in gone]})
        return
    left = sum(stage.size_bytes for stage in cached_stages(root)) - dry_run * sum(stage.size_bytes for stage in gone)
    verb = "would be removed" if dry_run else "removed"
    say(f"{len(gone)} stages {verb} ({decimal(sum(stage.size_bytes for stage in gone))}), {decimal(left)} left.")
    if max_size is not None and left > max_size:
        say("More than --max-size is left: stages in use, or used within the last hour, are kept.")


@command.command("verify")
@click.option("--remove", is_flag=True, help="Remove damaged stages: the next run that needs them computes them again.")
@json_option
def verify_command(remove: bool, as_json: bool) -> None:
    """Read every file of every stage again and list damaged stages.

    Exit status 1: stages are damaged.
    """
    from tlbench.engine.cache import cached_stages, damage, remove_damaged

    root = cache_folder()
    stages = cached_stages(root)
    damaged: dict[str, CachedStage] = {}
    with progress_bar("stages", len(stages)) as on_stage:
        for stage in stages:
            if sentence := damage(stage):
                damaged[sentence] = stage
            on_stage()
    gone = list(remove_damaged(root, damaged.values())) if remove else []
    if as_json:
        removed = [str(stage.folder) for stage in gone]
        print_json({"checked": len(stages), "damaged": list(damaged), "removed": removed})
    else:
        for sentence in damaged:
            say(sentence)
        done = f", {len(gone)} removed" if remove else ""
        say(f"{len(stages)} stages checked, {len(damaged)} damaged{done}.")
        if damaged and not remove:
            say("Remove damaged stages with: tlbench cache verify --remove")
    if damaged:
        sys.exit(1)


def _totals(root: Path, stages: Sequence[CachedStage]) -> dict[str, Any]:
    """Return number and bytes of stages, by name and in all."""
    by_name: dict[str, list[CachedStage]] = {}
    for stage in sorted(stages, key=lambda stage: stage.name):
        by_name.setdefault(stage.name, []).append(stage)
    return {
        "folder": str(root),
        "stages": {name: _total(members) for name, members in by_name.items()},
        **_total(stages),
    }


def _total(stages: Sequence[CachedStage]) -> dict[str, int]:
    return {"count": len(stages), "size_bytes": sum(stage.size_bytes for stage in stages)}


def _print(facts: dict[str, Any]) -> None:
    from rich.filesize import decimal

    rows = [{"stage": name, **total} for name, total in facts["stages"].items()]
    total = {"stage": "total", "count": facts["count"], "size_bytes": facts["size_bytes"]}
    table = [
        {"stage": row["stage"], "results": row["count"], "size": decimal(row["size_bytes"])} for row in [*rows, total]
    ]
    other = f"{decimal(facts['other_bytes'])} (saved models, remembered hashes, log)"
    print_facts({"folder": facts["folder"], "other files": other, "stages": table})
