"""Marks: what somebody found out about an entry beside its numbers, from the files of evidence on the board."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tlbench.errors import StoreError
from tlbench.results.audits import Audit, audit_paths, is_of, read_audit, same_code
from tlbench.results.evidence import Rerun, fits, read_reruns
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry

T = TypeVar("T")


@dataclass(frozen=True)
class Evidence:
    """What a board holds beside its results and pages."""

    reruns: Mapping[str, Rerun] = field(default_factory=dict)
    """By the file of the result, below `rows`."""
    audits: Sequence[Audit] = ()

    @classmethod
    def read(cls, board: Path | None) -> Evidence:
        """Return the evidence of a board. Warns of a file that cannot be read, whose marks are left out."""
        if board is None:
            return cls()
        reruns = _readable(read_reruns, board)
        audits = [_readable(read_audit, path) for path in audit_paths(board)]
        return cls(reruns or {}, [audit for audit in audits if audit is not None])


def _readable(read: Callable[[Path], T], path: Path) -> T | None:
    """Return what a file says; None with a warning if it cannot be read."""
    try:
        return read(path)
    except StoreError as error:
        warnings.warn(f"{error} Its marks are left out.", stacklevel=2)
        return None


def marks_of(rows: Sequence[Row], evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """Return name and sentence of each mark of the rows of an entry."""
    said = ((name, mark(rows, evidence)) for name, mark in MARKS.items())
    return tuple((name, sentence) for name, sentence in said if sentence)


def _reruns(rows: Sequence[Row], evidence: Evidence) -> list[tuple[Row, Rerun]]:
    """Return the rows that were run again as they are now."""
    pairs = ((row, evidence.reruns.get(row.file_name)) for row in rows)
    return [(row, rerun) for row, rerun in pairs if rerun is not None and fits(row, rerun)]


def _reproduced(rows: Sequence[Row], evidence: Evidence) -> str:
    done = [(row, rerun) for row, rerun in _reruns(rows, evidence) if rerun.reproduced]
    exact, close = ([row.seed for row, rerun in done if rerun.exact is same] for same in (True, False))
    parts = [f"{_seeds(exact)} bit for bit"] if exact else []
    if close:
        far = [rerun.score_difference for _, rerun in done if rerun.score_difference is not None]
        most = f" (scores differ by at most {max(far):.3g})" if far else ""
        parts.append(f"{_seeds(close)} within the tolerances{most}")
    return f"{' and '.join(parts)}, {_dates(done)}." if parts else ""


def _not_reproduced(rows: Sequence[Row], evidence: Evidence) -> str:
    done = [(row, rerun) for row, rerun in _reruns(rows, evidence) if not rerun.reproduced]
    if not done:
        return ""
    first = (done[0][1].differences or ("other numbers",))[0]
    return f"{_seeds([row.seed for row, _ in done])}, {_dates(done)}: {first}."


def _audited(rows: Sequence[Row], evidence: Evidence) -> str:
    clean = [audit for audit in evidence.audits if audit.outcome == "clean"]
    fitting = [next((audit for audit in clean if is_of(audit, row)), None) for row in rows]
    if None in fitting or _caught(rows, evidence):
        return ""
    return f"its model does not depend on withheld data ({_places(fitting)})."


def _caught(rows: Sequence[Row], evidence: Evidence) -> str:
    """Say where the code of a row was caught: with other options it is the same code."""
    caught = [audit for audit in evidence.audits if audit.outcome == "caught"]
    fitting = [audit for audit in caught if any(same_code(audit, row) for row in rows)]
    if not fitting:
        return ""
    return f"its model depends on data that is withheld from it, or it opens files of data ({_places(fitting)})."


def _places(audits: Sequence[Audit | None]) -> str:
    """Return on what strategies were audited, each once; the first of several, and how many more there are."""
    first, *others = dict.fromkeys(_place(audit) for audit in audits if audit is not None)
    return f"{first}, and {len(others)} more" if others else first


def _place(audit: Audit) -> str:
    given = "+".join(audit.access) or "nothing"
    options = ", ".join(f"{name}={value}" for name, value in sorted(audit.options.items())) or "no options"
    where = f"on {audit.task} with {audit.backbone}, seed {audit.seed}, {audit.device}, {audit.date}"
    return f"{where}, given {given}, {options}"


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _dates(done: Sequence[tuple[Row, Rerun]]) -> str:
    return " and ".join(sorted({rerun.date for _, rerun in done}))


MARKS: Mapping[str, Callable[[Sequence[Row], Evidence], str]] = {
    "reproduced": _reproduced,
    "not-reproduced": _not_reproduced,
    "audited": _audited,
    "caught": _caught,
}
"""Name of a mark -> what says its sentence, in the order in which pages list them."""
WORDS = {
    "reproduced": "Reproduced",
    "not-reproduced": "Not reproduced",
    "audited": "Audited",
    "caught": "Caught by an audit",
}


def sentences(entries: Sequence[Entry]) -> list[str]:
    """Return a line for each mark of a task's entries."""
    from tlbench.leaderboard.flags import named

    several = len({entry.first.backbone for entry in entries}) > 1
    found = [(name, f"{named(entry, several)}: {said}") for entry in entries for name, said in entry.marks]
    return [f"{WORDS[name]}, {said}" for wanted in MARKS for name, said in found if name == wanted]
