"""What `tlbench run` and `tlbench leaderboard` print of results, and the option `--wide`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.api.wrapping import section_lines
from tlbench.cli.output import print_table, print_title, say, say_wrapped
from tlbench.cli.verbosity import level
from tlbench.results import copies

if TYPE_CHECKING:
    from tlbench.api.results import Results
    from tlbench.results.row import Row

wide_option = click.option("--wide", is_flag=True, help="Print one table with all columns, however wide it is.")


def print_results(results: Results, log: Path, *, wide: bool) -> None:
    """Print the results of a run and, unless `--quiet`, which strategy to use, what it cost and where its pages are.

    `log` has tracebacks.
    """
    from tlbench.api import tables

    rows = results.rows
    print_rows(rows, wide=wide)
    for line in [*results.without, *copies.warnings(rows)]:
        say_wrapped(line)
    if any(row.status == "failed" for row in rows):
        say(f"tracebacks: {log}")
    if level() > logging.INFO:
        return
    for title, lines in results.recommend().brief():
        say("\n".join(["", *section_lines(title, lines)]))
    counts = ", ".join(f"{sum(row.status == s for row in rows)} {s}" for s in ("ok", "failed", "skipped"))
    say(f"\nresults: {counts}")
    say(f"{results.computed} stages computed, {results.cached} from cache")
    if results.seconds:
        spent = "   ".join(f"{stage} {seconds:.1f}" for stage, seconds in results.seconds.items())
        say_wrapped(f"CPU seconds: {spent}   total {sum(results.seconds.values()):.1f}")
    for line in tables.tuned(rows):
        say_wrapped(line)
    if results.pages:
        say(f"leaderboards: {results.pages[-1]}")


def print_rows(rows: Sequence[Row], *, wide: bool) -> None:
    """Print a table for each task, and lines on what failed, was skipped, or was asked for beside the score."""
    from tlbench.api import tables, task_tables

    if wide:
        print_table(tables.scored(rows))
        for line in [*tables.without_score(rows), *tables.diagnosed(rows)]:
            say(line)
        return
    for place, (title, below) in enumerate(task_tables.task_sections(rows)):
        if place:
            say()
        print_title(title)
        say("\n".join(below))
    for line in tables.diagnosed(rows):
        say_wrapped(line)
