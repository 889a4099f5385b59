"""`tlbench submit`."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tlbench.cli.board import usual_board
from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import print_json, say
from tlbench.errors import UsageError
from tlbench.planning.named_files import catalog_with

if TYPE_CHECKING:
    from tlbench.planning.catalog import Catalog
    from tlbench.verification.report import Report

PUBLISHED = Path("leaderboards")
NAME = r"[\w][\w.-]{0,79}"


@click.command("submit")
@click.argument("board", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the submission, new or empty.")
@click.option("--name", default="", help="Title of the submission.  [default: the name of the folder]")
@click.option("--allow-dirty", is_flag=True, help="Take results that were computed with uncommitted changes.")
@click.option(
    "--check",
    "submission",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Check this submission instead, and print what it changes on --board as Markdown.",
)
@click.option(
    "--board",
    "published",
    type=click.Path(file_okay=False, path_type=Path),
    default=PUBLISHED,
    show_default=True,
    help="The board that a submission is checked against. It is only read.",
)
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    board: Path | None,
    output: Path | None,
    name: str,
    allow_dirty: bool,
    submission: Path | None,
    published: Path,
    plugins: Sequence[Path],
    as_json: bool,
) -> None:
    """Prepare results for a pull request: tlbench submit BOARD -o submissions/NAME.

    The folder gets the results of BOARD (default: leaderboards/local) with predictions and latencies, a summary, the
    environment and checksums. Results that are wrong, that hold paths of this machine, or that were computed with
    uncommitted changes are refused. docs/submit.md has the whole way.

    \b
    Exit status:
      0  the submission is written, or everything in it is right
      1  some results are refused, wrong, or contradict the board
      3  with --check: nothing is wrong, but something could not be verified
    """
    catalog = catalog_with(plugins)
    if submission is not None:
        if output or name or board or allow_dirty:
            raise UsageError("--check takes a submission as it is: name no BOARD, -o, --name or --allow-dirty with it.")
        status = _check(submission, published, catalog, as_json)
    else:
        if output is None:
            raise UsageError("Name the folder of the submission: tlbench submit BOARD -o submissions/NAME.")
        status = _submit(board or usual_board(), output, name or output.absolute().name, allow_dirty, catalog, as_json)
    if status:
        sys.exit(status)


def _submit(board: Path, output: Path, name: str, allow_dirty: bool, catalog: Catalog, as_json: bool) -> int:
    from tlbench.results.row_files import row_paths
    from tlbench.verification.submission import write_submission

    if not re.fullmatch(NAME, name):
        raise UsageError(f'Invalid name "{name}": use letters, digits, ".", "_" and "-", at most 80.')
    if not row_paths(board):
        raise UsageError(f'No results in "{board}/rows": run tlbench run first, or name another folder.')
    report = _refused(board, allow_dirty, catalog)
    paths = [] if report.problems else write_submission(board, output, name, report)
    if as_json:
        print_json({"refused": [*map(dataclasses.asdict, report.problems)], "files": [str(path) for path in paths]})
    else:
        for problem in report.problems:
            say(problem)
        if report.problems:
            say(f"{len(report.wrong)} of {len(report.rows)} results refused: nothing was written")
        else:
            say(f"{len(report.rows)} results in {output}: read {output / 'SUMMARY.md'}, then open a pull request")
    return int(bool(report.problems))


def _refused(board: Path, allow_dirty: bool, catalog: Catalog) -> Report:
    """Return the report on the results of a board, with what keeps them from being published; pages do not count."""
    from tlbench.results.row_files import read_rows
    from tlbench.verification.board import verify_board
    from tlbench.verification.submission import own_hosts, unpublishable

    report = verify_board(board, catalog)
    report.problems = [problem for problem in report.problems if problem.file in report.rows]
    report.unverified = {file: reason for file, reason in report.unverified.items() if file in report.rows}
    for row in read_rows(board):
        report.add(unpublishable(f"rows/{row.file_name}", row, allow_dirty, own_hosts()))
    return report


def _check(submission: Path, board: Path, catalog: Catalog, as_json: bool) -> int:
    from tlbench.verification.submission_check import check_submission, page

    checked = check_submission(submission, board, catalog)
    if as_json:
        print_json(
            {
                "problems": [*map(dataclasses.asdict, checked.report.problems)],
                "contradictions": [
                    {"file": one.file, "fields": list(one.differing)} for one in checked.merged.contradictions
                ],
                "unverified": [{"file": file, "reason": why} for file, why in checked.report.unverified.items()],
                "plugins": list(checked.plugins),
                "added": checked.merged.copied,
                "there": checked.merged.known,
                "changes": list(checked.changes),
            }
        )
    else:
        say(page(submission.absolute().name, checked, board).removesuffix("\n"))
    return checked.status
