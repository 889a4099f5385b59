"""What a submission is checked for before it may join a board: files, results, contradictions, and what it changes.

Whoever wrote it is unknown: nothing in it is executed, links are refused, and sizes are checked before files are read.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tlbench.leaderboard.aggregate import aggregate
from tlbench.leaderboard.changes import changes, table
from tlbench.leaderboard.markdown import safe
from tlbench.planning.catalog import Catalog
from tlbench.results import baselines
from tlbench.results.evidence import ENVIRONMENT, SUMMARY
from tlbench.results.files import PNG, file_sha256
from tlbench.results.merging import Merged, files_beside, merge
from tlbench.results.row import Row
from tlbench.results.row_files import parsed, read_rows, row_paths, wrong_parts
from tlbench.verification.board import verify_board
from tlbench.verification.relations import NO_BASELINE, Split, lacking_baselines, wrong_relations
from tlbench.verification.report import Problem, Report
from tlbench.verification.splits import splits_on
from tlbench.verification.submission import CHECKSUMS, files_of, unpublishable

NAME = r"[^/.][^/]*"
ALLOWED = re.compile(
    rf"rows/{NAME}/{NAME}\.(?:json|npz)|latency/{NAME}\.json|analyses/{NAME}/{NAME}\.png"
    rf"|{re.escape(SUMMARY)}|{re.escape(ENVIRONMENT)}|{CHECKSUMS}"
)
"""The files that a submission may have."""
LARGEST, ALL = 10_000_000, 500_000_000
"""Bytes of a file, and of all."""
MOST = 20_000
"""Files."""
LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
SHOWN = 50
"""Problems, and changes, that a page lists."""


@dataclass
class Checked:
    """What a check found."""

    report: Report
    merged: Merged = field(default_factory=Merged)
    """What a merge into the board would do."""
    rows: Sequence[Row] = ()
    changes: Sequence[dict[str, str]] = ()
    """What the results change on the board."""
    plugins: Sequence[str] = ()
    """Plugins of its results that are not installed in that version."""

    @property
    def status(self) -> int:
        """The exit status: 1 if something is wrong, 3 if something could not be verified, else 0."""
        return 1 if self.merged.contradictions else self.report.status


def check_submission(folder: Path, board: Path, catalog: Catalog) -> Checked:
    """Return what is wrong with a submission, and what it would change on a board, which is only read."""
    report = Report()
    report.add(_wrong_files(folder))
    if report.problems:
        return Checked(report)
    report = verify_board(folder, catalog)
    with tempfile.TemporaryDirectory(prefix="tlbench-submission-") as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows that cannot be read: those of the submission are problems here
        rows = list(read_rows(folder))
        report.add(_left_over(folder, rows))
        files = {f"rows/{row.file_name}": row for row in rows}
        for file, row in files.items():
            report.add(unpublishable(file, row, allow_dirty=True))
            report.add(_other_baseline(file, row))
        together = _copied(board, Path(place) / "board")
        known = {f"rows/{row.file_name}": row for row in read_rows(together)}
        before = aggregate(known.values(), together)
        merged = merge([folder], together)
        every = {f"rows/{row.file_name}": row for row in read_rows(together)}
        report.add(_lost(known.keys() - every.keys(), together))
        tasks = {row.task for row in rows}
        of_tasks = {file: row for file, row in every.items() if row.task in tasks}
        _beside_others(report, files, known, every, splits_on(together, of_tasks, catalog))
        after = aggregate(every.values(), together)
    installed = {str(origin) for origin in catalog.origins.values()}
    named = {plugin for row in rows for plugin in row.plugins.values()}
    return Checked(report, merged, rows, changes(before, after), sorted(named - installed))


def _wrong_files(folder: Path) -> Iterator[Problem]:
    """Yield files that do not belong into a submission or are not those whose checksums it has."""
    if folder.is_symlink():
        yield Problem(folder.name, "file", folder.name, "a folder, no link")
        return
    paths = files_of(folder)
    if len(paths) > MOST:
        yield Problem(folder.name, "files", len(paths), f"at most {MOST:,}")
        return
    if (total := sum(path.lstat().st_size for path in paths)) > ALL:
        yield Problem(folder.name, "bytes", total, f"at most {ALL:,}")
        return
    wrong = [problem for path in paths for problem in _wrong_file(path, path.relative_to(folder).as_posix())]
    yield from wrong
    if not wrong:
        yield from _wrong_checksums(folder, paths)
        if not row_paths(folder):
            yield Problem("rows", "results", 0, "the results of a run")


def _wrong_file(path: Path, name: str) -> Iterator[Problem]:
    if path.is_symlink() or not path.is_file():
        yield Problem(name, "file", name, "a regular file, no link")
    elif not ALLOWED.fullmatch(name):
        yield Problem(
            name, "file", name, "a file of results: tlbench submit BOARD -o FOLDER writes all that belongs here"
        )
    elif (size := path.stat().st_size) > LARGEST:
        yield Problem(name, "bytes", size, f"at most {LARGEST:,}")
    elif path.suffix == ".png" and not _begins_as(path, PNG):
        yield Problem(name, "file", name, "a picture of the format PNG")


def _begins_as(path: Path, signature: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(signature)) == signature


def _wrong_checksums(folder: Path, paths: Sequence[Path]) -> Iterator[Problem]:
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        yield Problem(CHECKSUMS, "file", CHECKSUMS, f"a text file that can be read: {error}")
        return
    pairs = [found for line in lines if (found := LINE.fullmatch(line))]
    if len(pairs) < len(lines):
        yield Problem(CHECKSUMS, "lines", len(lines), "on each a SHA-256, two blanks and a file")
    listed = {found[2]: found[1] for found in pairs}
    there = {path.relative_to(folder).as_posix(): path for path in paths if path.name != CHECKSUMS}
    for name in sorted(listed.keys() ^ there.keys()):
        yield Problem(name, "file", name in there, f"one that is there and listed in {CHECKSUMS}")
    for name in sorted(listed.keys() & there.keys()):
        if (sha256 := file_sha256(there[name])) != listed[name]:
            yield Problem(name, "sha256", sha256, f"{listed[name]}, as {CHECKSUMS} says")


def _copied(board: Path, place: Path) -> Path:
    """Return a copy of the results of a board, with what lies beside them."""
    place.mkdir()
    for name in ("rows", "latency"):
        if (board / name).is_dir():
            shutil.copytree(board / name, place / name)
    return place


def _left_over(folder: Path, rows: Sequence[Row]) -> Iterator[Problem]:
    """Yield files that belong to no result that can be read; one that cannot is a problem by itself."""
    belonging = {*row_paths(folder), *(folder / name for name in (SUMMARY, ENVIRONMENT, CHECKSUMS))}
    belonging |= {source for row in rows for source, _ in files_beside(row, folder, folder)}
    for path in files_of(folder):
        if path not in belonging:
            name = path.relative_to(folder).as_posix()
            yield Problem(name, "file", name, "a file of a result of the submission: remove it")


def _other_baseline(file: str, row: Row) -> Iterator[Problem]:
    """Yield the plugin of a result that is called a baseline and is none of tlbench."""
    expected = f"baselines (tlbench {row.versions.get('tlbench')})"
    origin = row.plugins.get("strategy")
    if row.status == "ok" and row.strategy in baselines.NAMES and origin != expected:
        yield Problem(file, "plugins.strategy", origin, f"{expected!r}: {row.strategy} is the name of a baseline")


def _lost(files: Iterable[str], board: Path) -> Iterator[Problem]:
    """Yield the results of a board that cannot be read any longer, now that others lie beside them, with the reason."""
    for file in sorted(files):
        for name, value, expected in wrong_parts(parsed(board / file), board / file):
            yield Problem(
                file, name, value, f"{expected}: with the files of the submission, the board loses this result"
            )


def _beside_others(
    report: Report,
    own: Mapping[str, Row],
    before: Mapping[str, Row],
    every: Mapping[str, Row],
    splits: Mapping[str, Sequence[Split]],
) -> None:
    """Report what contradicts the results of the board, also on these if it did not stand there before.

    The board may have baselines that the submission lacks.
    """
    known = {(problem.file, problem.field) for problem in report.problems}
    right = {file: row for file, row in every.items() if file not in report.wrong}
    of_board = {file: split for file, split in splits.items() if file in before}
    known |= {(problem.file, problem.field) for problem in wrong_relations(before, of_board)}
    found = wrong_relations(right, splits)
    report.add(problem for problem in found if (problem.file, problem.field) not in known)
    lacking = lacking_baselines(right)
    report.unverified = {
        file: reason
        for file, reason in report.unverified.items()
        if not reason.startswith(NO_BASELINE) or file in lacking
    }


def page(name: str, checked: Checked, board: Path) -> str:
    """Return what a check found as Markdown: of texts in it nothing but text is shown."""
    report, merged = checked.report, checked.merged
    counts = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in report.counts().items())
    lines = [f"## Submission {safe(name)}\n", f"Results: {counts}.\n"]
    lines += _listed("Wrong", [str(problem) for problem in report.problems])
    lines += _listed(
        f"Contradicts results of {board}",
        [f"{one.file}: another {', '.join(one.differing)}" for one in merged.contradictions],
    )
    lines += _listed("Not verifiable", [f"{file}: {reason}" for file, reason in report.unverified.items()])
    lines += _listed("Plugins that are not installed here", checked.plugins)
    dirty = [row.file_name for row in checked.rows if row.dirty]
    lines += _listed("Computed with uncommitted changes", dirty)
    if checked.rows:
        new, known = len(merged.copied), len(merged.known)
        lines += [f"### What changes on {safe(str(board))}\n", f"{new} results are new, {known} are there already.\n"]
        lines += [table(checked.changes[:SHOWN])]
        lines += [f"\nand {more} more\n"] if (more := len(checked.changes) - SHOWN) > 0 else [""]
    lines += [f"{SUMMARY} and {ENVIRONMENT} are the text of whoever submits: no check reads them."]
    return "\n".join(lines) + "\n"


def _listed(title: str, texts: Sequence[str]) -> list[str]:
    if not texts:
        return []
    more = [f"- and {len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return [f"### {safe(title)}\n", *(f"- {safe(text)}" for text in texts[:SHOWN]), *more, ""]
