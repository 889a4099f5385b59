"""The results of a run or of a board, in Python."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from tlbench.api.best import BestList
    from tlbench.results.row import Row

NOTHING: Mapping[str, float] = {}


@dataclass(frozen=True, kw_only=True, repr=False)
class Results:
    """The rows of a run or of a board: `len`, iteration, tables and plots.

    Its text is the table of `tlbench run --wide`.
    """

    rows: tuple[Row, ...]
    """The record of each task, backbone, strategy, option and seed; failed and skipped ones too."""
    board: Path
    """The folder that holds the rows, and the leaderboards made of them."""
    missing: tuple[Row, ...] = ()
    """Rows that a run could not write there."""
    computed: int = 0
    """Stages that a run computed; 0 if the cache had all of them."""
    cached: int = 0
    """Stages that a run found in the cache."""
    seconds: Mapping[str, float] = field(default_factory=lambda: NOTHING)
    """CPU seconds that a run spent in each stage."""
    without: tuple[str, ...] = ()
    """A sentence for each estimator or analysis that was asked for and has no number, with the reason."""
    pages: tuple[Path, ...] = ()
    """Files of the leaderboards that a run wrote."""
    remarks: tuple[str, ...] = ()
    """What there is to know of the rows as a whole, such as that some are not on the board."""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __repr__(self) -> str:
        from tlbench.api.tables import as_text, scored
        from tlbench.results.escapes import plain

        lines = scored(self.rows)
        return "\n".join([*([as_text(lines)] if lines else []), *map(plain, self._said())])

    def _repr_html_(self) -> str:
        from tlbench.api.tables import as_html, scored

        return as_html(scored(self.rows), self._said())

    def _said(self) -> list[str]:
        from tlbench.api.tables import diagnosed, without_score

        counts = ", ".join(f"{sum(row.status == s for row in self.rows)} {s}" for s in ("ok", "failed", "skipped"))
        numbers = [*diagnosed(self.rows), *self.without]
        return [*without_score(self.rows), *numbers, *self.remarks, f"results: {counts}"]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame: a line for each row, a column for each field of a row that boards show or link.

        A field that holds several values, such as `scores`, has a column for each: `scores.accuracy`. Raises
        `UsageError` if pandas is missing.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise UsageError('A data frame needs pandas: pip install "tlbench[notebook]".') from error
        from tlbench.results.columns import COLUMNS
        from tlbench.results.row import Row

        fields = [column.field for column in COLUMNS if column.field in Row.__dataclass_fields__]
        records = [_flat({name: getattr(row, name) for name in fields}) for row in self.rows]
        # A field's parts stand where the field does, also if the first row has none of them.
        names = sorted(dict.fromkeys(name for one in records for name in one), key=lambda name: _place(name, fields))
        return pd.DataFrame.from_records(records, columns=names or fields)

    def best(self) -> BestList:
        """Return the best strategy of each task for each access, label budget, selection rule and set of options.

        Strategies that differ in these are not compared, nor is one with several sets of options with others, and
        baselines are not chosen. A strategy that is not significantly different from the best is named beside it.
        """
        from tlbench.api.best import best_of

        return best_of(self.rows, self.board)

    def plot(self, kind: str = "scores") -> Figure:
        """Return a picture of a board as a matplotlib figure.

        `kind`: `scores`, `forgetting`, `gap-closed`, `cost`, `labels` (score over the label budget), `overview` or
        `latency`. Raises `UsageError` if matplotlib is missing, or if the rows have nothing for this kind.
        """
        from tlbench.leaderboard import pictures
        from tlbench.leaderboard.aggregate import aggregate, without_score

        if kind not in pictures.FIGURES:
            raise UnknownNameError("plot", kind, pictures.FIGURES)
        figure = pictures.figure(kind, aggregate(self.rows, self.board), without_score(self.rows))
        if figure is None:
            raise UsageError(f'These {len(self)} results have no numbers for the plot "{kind}".')
        return figure


def load(board: str | os.PathLike[str] | None = None) -> Results:
    """Return the results of a board's folder. Default: `leaderboards/local`, where `run` writes them.

    Raises `UsageError` if the folder does not exist or holds no results; warns of each row that cannot be read.
    """
    from tlbench.results.files import BOARD
    from tlbench.results.row_files import read_rows

    folder = BOARD if board is None else Path(board).expanduser()
    if not folder.is_dir():
        raise UsageError(f'The leaderboard folder "{folder}" does not exist. Run tlbench.run first, or name another.')
    rows = tuple(read_rows(folder))
    if not rows:
        raise UsageError(f'No results in "{folder / "rows"}": expected the folder that a run wrote as its board.')
    return Results(rows=rows, board=folder.absolute())


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the parts of each mapping in its place."""
    flat: dict[str, Any] = {}
    for name, value in record.items():
        flat |= (
            {f"{name}.{part}": held for part, held in value.items()} if isinstance(value, Mapping) else {name: value}
        )
    return flat


def _place(name: str, fields: list[str]) -> tuple[int, str]:
    return fields.index(name.partition(".")[0]), name
