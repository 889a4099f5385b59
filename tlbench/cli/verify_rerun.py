"""`tlbench verify --rerun`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.cli.output import print_json, say
from tlbench.errors import UsageError
from tlbench.results.escapes import plain

if TYPE_CHECKING:
    from tlbench.api.rerunning import Reruns
    from tlbench.planning.catalog import Catalog
    from tlbench.results.row import Row

REPRODUCED, DIFFERS, NOT_RUN = 0, 1, 3
"""Exit statuses."""


def rerun_and_print(
    place: Path, count: int, seed: int, catalog: Catalog, plugins: Sequence[Path], as_json: bool
) -> int:
    """Run results of a board again, keep the outcome beside it, and print it; return the exit status."""
    from tlbench.api.progress import progress
    from tlbench.api.rerunning import rerun
    from tlbench.api.running import engine_of
    from tlbench.cli.verbosity import level
    from tlbench.leaderboard.render import render
    from tlbench.results.evidence import add_reruns, read_reruns

    board, every, chosen = _results(place)
    read_reruns(board)  # Before an hour of training: a damaged file must not cost its outcome.
    engine = engine_of(name=None, timeout=None)
    found = rerun(board, chosen, count, seed, catalog, engine, progress(level()), plugins)
    if found.done:
        add_reruns(board, found.done, {row.file_name: row for row in every})
        render(board, every)
    status = _status(found, min(count, len(chosen)))
    if as_json:
        print_json({"seed": seed, **dataclasses.asdict(found)})
    else:
        _print(found, seed, len(chosen), count)
    return status


def _results(place: Path) -> tuple[Path, list[Row], list[Row]]:
    """Return a board, all of its results, and those that may be drawn: all, or the one that was named."""
    from tlbench.results.row_files import read_rows
    from tlbench.verification.submission import CHECKSUMS

    one = place.is_file()
    board = place.absolute().parent.parent.parent if one else place
    if (board / CHECKSUMS).is_file():
        raise UsageError(
            f'"{board}" is a submission, whose files must stay as they are: check it, merge it into a board, and run '
            "its results there again."
        )
    every = list(read_rows(board)) if board.is_dir() else []
    name = f"{place.absolute().parent.name}/{place.name}"
    chosen = [row for row in every if row.file_name == name] if one else every
    if not chosen:
        raise UsageError(f'No results to run again in "{place}": name a folder of results, or the file of one on it.')
    return board, every, chosen


def _status(found: Reruns, wanted: int) -> int:
    if not all(rerun.reproduced for rerun in found.done.values()):
        return DIFFERS
    return NOT_RUN if len(found.done) < wanted else REPRODUCED


def _print(found: Reruns, seed: int, every: int, wanted: int) -> None:
    say(f"drew {len(found.drawn)} of {every} results with seed {seed}")
    reasons: dict[str, list[str]] = {}
    for file, reason in found.not_drawn.items():
        reasons.setdefault(reason, []).append(file)
    for reason, files in reasons.items():
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        say(plain(f"not drawn: {reason}: rows/{files[0]}{more}"))
    for file, reason in found.not_run.items():
        say(plain(f"not run again: {reason}: rows/{file}"))
    for file, rerun in found.done.items():
        how = "bit for bit" if rerun.exact else "within the tolerances"
        said = f"reproduced {how}" if rerun.reproduced else "not reproduced"
        places = found.places[file]
        where = f" ({'; '.join(places)})" if places and not rerun.exact else ""
        say(plain(f"{said}: rows/{file}{where}"))
        for difference in rerun.differences:
            say(plain(f"  {difference}"))
    reproduced = sum(rerun.reproduced for rerun in found.done.values())
    say(f"reproduced {reproduced} of {wanted}")
