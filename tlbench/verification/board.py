"""A board or one of its rows, verified as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tlbench.errors import StoreError
from tlbench.planning.catalog import Catalog, missing
from tlbench.results.latency_files import latency_path
from tlbench.results.row import Row
from tlbench.results.row_files import parsed, row_paths, wrong_parts
from tlbench.verification.declared import undeclared, wrong_declarations
from tlbench.verification.pages import missing_pages, wrong_evidence, wrong_pages
from tlbench.verification.relations import Split, lacking_baselines, wrong_relations
from tlbench.verification.report import Problem, Report
from tlbench.verification.scores import NotVerifiableError, stored, wrong_scores
from tlbench.verification.splits import splits_of


def verify_board(board: Path, catalog: Catalog, done: Callable[[], object] = lambda: None) -> Report:
    """Return what is wrong with the rows and pages of a board; `done` is called for each row."""
    report, paths = Report(), {_named(path): path for path in row_paths(board)}
    rows = _read(report, paths)
    splits: dict[str, tuple[Split, ...]] = {}
    for file, row in rows.items():
        splits |= _verify_scores(report, file, row, paths[file], catalog)
        done()
    _verify_relations(report, rows, splits)
    believed = [*_without(rows, report.wrong).values()]
    report.add(wrong_pages(board, believed) if believed else ())
    report.add(wrong_evidence(board))
    report.excuse(missing_pages(board, believed))
    return report


def verify_row(path: Path, catalog: Catalog) -> Report:
    """Return what is wrong with one row, also beside the other rows of its board, if it is on one."""
    folder = path.absolute().parent
    others = row_paths(folder.parent.parent) if folder.parent.name == "rows" else []
    board, own = Report(), str(path)
    paths = {_named(other): other for other in others if other != path.absolute()} | {own: path}
    rows = _read(board, paths)
    splits = _verify_scores(board, own, rows[own], path, catalog) if own in rows else {}
    _verify_relations(board, rows, splits)
    report = Report(rows=[own], problems=[problem for problem in board.problems if problem.file == own])
    report.excuse({file: reason for file, reason in board.unverified.items() if file == own})
    return report


def _named(path: Path) -> str:
    return f"rows/{path.parent.name}/{path.name}"


def _read(report: Report, paths: Mapping[str, Path]) -> dict[str, Row]:
    """Return the rows that can be right by themselves; report the others."""
    rows = {}
    for file, path in paths.items():
        report.rows.append(file)
        try:
            row = parsed(path)
            wrong = [Problem(file, *part) for part in wrong_parts(row, path)]
        except (StoreError, RecursionError) as error:
            report.add([Problem(file, "file", path.name, f"a result that can be read: {error}")])
            continue
        if path.absolute().parent.parent.name == "rows" and _named(path.absolute()) != f"rows/{row.file_name}":
            wrong.append(Problem(file, "file", path.name, f"{row.file_name!r}, the name of its content"))
        report.add(wrong)
        if not wrong:
            rows[file] = row
    return rows


def _verify_scores(report: Report, file: str, row: Row, path: Path, catalog: Catalog) -> dict[str, tuple[Split, ...]]:
    """Report what is wrong with a row by itself; return what names its test split, by its file."""
    if row.task not in catalog.tasks:
        report.excuse({file: f"the task {row.task} is not installed"})
        return {}
    report.add(wrong_declarations(file, row, catalog))
    if row.score is None:
        return {}
    task = catalog.task(row.task)
    if lacking := missing(task.kind):
        report.excuse({file: lacking})
        return {}
    try:
        kept = stored(row, path)
        report.add(wrong_scores(file, row, kept, task))
    except NotVerifiableError as error:
        report.excuse({file: str(error)})
        return {file: splits_of(row, task, None)}
    except StoreError as error:
        report.add([Problem(file, "predictions", path.with_suffix(".npz").name, f"predictions, but {error}")])
        return {}
    if reason := _without_proof(row, path, catalog):
        report.excuse({file: reason})
    return {file: splits_of(row, task, kept)}


def _without_proof(row: Row, path: Path, catalog: Catalog) -> str:
    """Return why a row whose scores are right cannot be verified as a whole; empty if it can be."""
    latency = latency_path(row, path.absolute().parent.parent.parent)
    if latency is not None and not latency.is_file():
        return "no single values of its latency"
    return undeclared(row, catalog)


def _verify_relations(report: Report, rows: Mapping[str, Row], splits: Mapping[str, Sequence[Split]]) -> None:
    """Report what contradicts other rows; those that are wrong by themselves are no others."""
    believed = _without(rows, report.wrong)
    report.add(wrong_relations(believed, splits))
    report.excuse(lacking_baselines(_without(believed, report.wrong)))


def _without(rows: Mapping[str, Row], files: set[str]) -> dict[str, Row]:
    return {file: row for file, row in rows.items() if file not in files}
