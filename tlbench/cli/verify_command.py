"""`tlbench verify`."""

from __future__ import annotations

import dataclasses
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli.board import usual_board
from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import print_json, progress_bar, say
from tlbench.errors import UsageError
from tlbench.planning.named_files import catalog_with

if TYPE_CHECKING:
    from tlbench.planning.catalog import Catalog
    from tlbench.verification.report import Report


@click.command("verify")
@click.argument("place", metavar="[BOARD|RESULT]", type=click.Path(path_type=Path), default=usual_board)
@click.option(
    "--rerun",
    "count",
    type=click.IntRange(1),
    metavar="K",
    help="Run K results again, drawn at random, and compare what they give.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws the results of --rerun.")
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(place: Path, count: int | None, seed: int, plugins: Sequence[Path], as_json: bool) -> None:
    """Verify a board, or the file of one result: compute every number anew from the stored predictions.

    BOARD is a folder of results and leaderboards, by default leaderboards/local. Scores, intervals and groups are
    computed from the predictions beside each result, gains from its baselines, latencies from their single values, and
    the pages from the results.

    With --rerun, K results are trained again instead, without the cache: bit for bit on the same class of processor
    with the same versions, else within the tolerances of docs/verification.md. The board keeps the outcome in
    reproduced.json, and its pages name the results that were reproduced.

    \b
    Exit status:
      0  everything is right
      1  something is wrong, or a result was not reproduced
      3  something could not be verified, for example for want of predictions, or could not be run again
    """
    catalog = catalog_with(plugins)
    if count is not None:
        from tlbench.cli.verify_rerun import rerun_and_print

        status = rerun_and_print(place, count, seed, catalog, plugins, as_json)
    else:
        status = _verify_and_print(place, catalog, as_json)
    if status:
        sys.exit(status)


def _verify_and_print(place: Path, catalog: Catalog, as_json: bool) -> int:
    report = _verified(place, catalog)
    if as_json:
        print_json(
            {
                "problems": [*map(dataclasses.asdict, report.problems)],
                "unverified": [{"file": file, "reason": reason} for file, reason in report.unverified.items()],
                "results": report.counts(),
            }
        )
    else:
        _print(report)
    return report.status


def _verified(place: Path, catalog: Catalog) -> Report:
    from tlbench.results.row_files import row_paths
    from tlbench.verification.board import verify_board, verify_row
    from tlbench.verification.pages import page_names

    if place.is_file():
        return verify_row(place, catalog)
    if not place.is_dir():
        raise UsageError(f'"{place}" does not exist: name a folder of results, or the file of a result.')
    paths = row_paths(place)
    if not paths and not page_names(place):
        raise UsageError(f'No results in "{place}/rows": run tlbench run first, or name another folder.')
    with progress_bar("results", len(paths)) as done:
        return verify_board(place, catalog, done)


def _print(report: Report) -> None:
    """Print a line for each problem, one for each reason why something could not be verified, and the counts."""
    for problem in report.problems:
        say(problem)
    reasons: dict[str, list[str]] = {}
    for file, reason in report.unverified.items():
        reasons.setdefault(reason, []).append(file)
    for reason, files in reasons.items():
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        say(f"not verifiable: {reason}: {files[0]}{more}")
    counts = Counter(report.counts())
    other = f", {counts['not_verifiable']} not verifiable" if counts["not_verifiable"] else ""
    say(
        f"{counts['verified']} results verified, {counts['without_predictions']} without predictions{other}, "
        f"{counts['wrong']} wrong"
    )
