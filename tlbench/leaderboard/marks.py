"""Marks: what somebody found out about an entry beside its numbers, from the files of evidence on the board."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench.errors import StoreError
from tlbench.results.audits import Audit, is_of, read_audits
from tlbench.results.evidence import Rerun, fits, read_reruns
from tlbench.results.row import Row

if TYPE_CHECKING:
    from tlbench.leaderboard.aggregate import Entry


@dataclass(frozen=True)
class Evidence:
    """What a board holds beside its results and pages."""

    reruns: Mapping[str, Rerun] = field(default_factory=dict)
    """By the file of the result, below `rows`."""
    audits: Mapping[str, Audit] = field(default_factory=dict)
    """By strategy."""

    @classmethod
    def read(cls, board: Path | None) -> Evidence:
        """Return the evidence of a board. Warns of a file that cannot be read, whose marks are left out."""
        if board is None:
            return cls()
        try:
            return cls(read_reruns(board), read_audits(board))
        except StoreError as error:
            warnings.warn(f"{error} Its marks are left out.", stacklevel=2)
            return cls()


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
    parts += [f"{_seeds(close)} within the tolerances"] if close else []
    return f"{' and '.join(parts)}, {_dates(done)}." if parts else ""


def _not_reproduced(rows: Sequence[Row], evidence: Evidence) -> str:
    done = [(row, rerun) for row, rerun in _reruns(rows, evidence) if not rerun.reproduced]
    if not done:
        return ""
    first = (done[0][1].differences or ("other numbers",))[0]
    return f"{_seeds([row.seed for row, _ in done])}, {_dates(done)}: {first}."


def _audit(rows: Sequence[Row], evidence: Evidence, outcome: str) -> str:
    """Return where the strategy of all rows was audited with this outcome, if it was, in their version."""
    audit = evidence.audits.get(rows[0].strategy)
    if audit is None or audit.outcome != outcome or not all(is_of(audit, row) for row in rows):
        return ""
    return f"on {audit.task} with {audit.backbone}, seed {audit.seed}, {audit.date}"


def _audited(rows: Sequence[Row], evidence: Evidence) -> str:
    place = _audit(rows, evidence, "clean")
    return f"its model does not depend on withheld data ({place})." if place else ""


def _caught(rows: Sequence[Row], evidence: Evidence) -> str:
    place = _audit(rows, evidence, "caught")
    return f"its model depends on data that is withheld from it, or it opens files of data ({place})." if place else ""


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
