"""What `tlbench.run` and the command `tlbench run` share: settings, run requests, and a plan that is carried out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.api.results import Results

if TYPE_CHECKING:
    from tlbench.contract.options import OptionValue
    from tlbench.planning.catalog import Catalog
    from tlbench.planning.expand import RunRequest
    from tlbench.planning.plan import Plan
    from tlbench.planning.settings import Settings


def settings_for(device: str, threads: int, board: Path, *, writes: bool = True) -> Settings:
    """Return where and how a plan runs. Raises `UsageError` without that device, or if a folder is not writable."""
    from tlbench.planning.fingerprints import resolve_device
    from tlbench.planning.settings import Settings

    settings = Settings(device=resolve_device(device), threads=threads, board=board)
    settings.check_cache()
    if writes:
        settings.check_board()
    return settings


def run_requests(
    suite: str,
    tasks: Sequence[str],
    quick: bool,
    arguments: Mapping[str, Sequence[Any]],
    overrides: Mapping[str, OptionValue],
) -> list[RunRequest]:
    """Return the run requests of a suite. Arguments that are not empty replace those of the suite."""
    from tlbench.assets.checkpoints import models_folder
    from tlbench.planning.suites import read_suite

    chosen = read_suite(suite).of_tasks(tasks)
    replaced: dict[str, Any] = {name: value for name, value in arguments.items() if value}
    if quick:
        replaced = {"seeds": (0,), **replaced}
    requests = [
        dataclasses.replace(run, quick=quick, **replaced, overrides={**run.overrides, **overrides})
        for run in chosen.runs
    ]
    chosen.check_checkpoints(requests, models_folder())
    return requests


def carry_out(plan: Plan, catalog: Catalog, settings: Settings) -> Results:
    """Run a plan and render the boards, unless results are missing there."""
    from tlbench.engine import runner
    from tlbench.leaderboard.render import render
    from tlbench.results.row_files import read_rows

    outcome = runner.run(plan, catalog, settings)
    boards = [] if outcome.missing else render(settings.board, list(read_rows(settings.board)))
    return Results(
        rows=tuple(outcome.rows),
        board=settings.board,
        missing=tuple(outcome.missing),
        computed=outcome.computed,
        cached=outcome.cached,
        seconds=outcome.seconds,
        pages=tuple(boards),
    )


def lost(results: Results, settings: Settings) -> str:
    """Return what to do about the results that are missing on the board."""
    return (
        f'{len(results.missing)} of {len(results)} results are missing in "{settings.board}": check disk space, '
        f'permissions and "{settings.cache / "tlbench.log"}", then run the same command again.'
    )
