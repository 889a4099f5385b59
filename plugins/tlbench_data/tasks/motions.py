"""Windows over recordings: the reality gap of a robot arm (Collins, Howard & Leitner 2019), and one's own series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tlbench import BadInputError, Faults, LoadRequest, TaskData, TaskLabels
from tlbench.assets import (
    TABLE_SUFFIXES,
    Labelled,
    Parts,
    by_file,
    class_files,
    class_sides,
    example_files,
    hold_out,
    integer_option,
    missing_option,
    names_option,
    option_path,
    read_series,
    rising_channels,
    series_decimals,
    sliding_windows,
    task_data,
    task_labels,
    transductive_data,
)

MOTIONS = {"Experiment1": "one joint", "Experiment2": "two joints", "Experiment3": "push"}
BROKEN = ("_VRepODE_", "Double_VRepBullet283_5")
"""In all runs of the one engine, and in this run, the arm leaves its reach: by up to 1e18 m, and to stand still."""
TEST_ENGINES = ("PyBullet", "VRepVortex")
ROWS, STRIDE = 20, 10
"""1 s at 20 Hz, one window every half second."""


def gap_files(request: LoadRequest) -> tuple[Parts[Path], Parts[Path]]:
    """Return simulated runs, two engines held out, and real recordings, half of each motion held out."""
    source_root = option_path(request, "source", "robot_reality_gap/Simulation")
    runs = class_files(source_root, (".csv",), tuple(MOTIONS), request.faults)
    target_root = option_path(request, "target", "robot_reality_gap/MotionCapture")
    real = class_files(target_root, (".tsv",), tuple(MOTIONS), request.faults)
    whole = runs.take(i for i, path in enumerate(runs.inputs) if not any(part in path.stem for part in BROKEN))
    held = [path.stem.split("_")[1] in TEST_ENGINES for path in whole.inputs]
    source = Parts(
        train=whole.take(i for i, test in enumerate(held) if not test),
        test=whole.take(i for i, test in enumerate(held) if test),
    )
    return source, hold_out(real, [path.name for path in real.inputs], part=0.5)


def load_gap(request: LoadRequest) -> TaskData:
    """Read windows `(20, 3)` of the end effector's displacement since the window's first row, in metres."""
    source, target = gap_files(request)
    return transductive_data(
        source.map(lambda runs: _motions(runs, _simulated)), target.map(lambda r: _motions(r, _real))
    )


def _simulated(path: Path) -> Any:
    return read_series(path, columns=(0, 1, 2), separator=" ")[1].astype("float32")


def _real(path: Path) -> Any:
    return read_series(path, columns=(19, 20, 21))[1][::5].astype("float32") / 1000  # 100 Hz in millimetres


def _motions(files: Labelled[Path], read: Callable[[Path], Any]) -> Labelled[Any]:
    cut = files.spread(lambda path: sliding_windows(path, read(path), ROWS, STRIDE))
    cut = cut.read(lambda window: window - window[0])
    return cut.with_inputs(cut.inputs, [MOTIONS[label] for label in cut.labels])


def load_series(request: LoadRequest) -> TaskData:
    """Read windows over series in class folders; every file must have the same columns."""
    rows, stride = integer_option(request, "window", 2), integer_option(request, "stride", 1)
    source, target = class_sides(request, TABLE_SUFFIXES)
    series = _Series(request)
    series.learn_columns((source or target).train)

    def windows(parts: Parts[Path]) -> Parts[Any]:
        return parts.map(
            lambda files: by_file(files).spread(lambda path: sliding_windows(path, series.read(path), rows, stride))
        )

    first = None
    if source is not None:
        series.learn_decimals(source)
        first = windows(source)
    series.learn_decimals(target)
    reading = {
        "columns": series.columns,
        "window": rows,
        "stride": stride,
        "fill": series.missing == "fill",
        "missing": series.missing,
        "decimals": series.decimals,
    }
    data = task_data(first, windows(target), reading=reading)
    series.note_roles()
    return data


class _Quiet(Faults):
    """Raises faults and notes nothing: a file that is read twice is noted once."""

    def note(self, text: str, file: object = None) -> None:
        """Do nothing."""


QUIET = _Quiet()


class _Series:
    """Reads the files of a task, which have the same channels, and remembers which of these rise in every file."""

    def __init__(self, request: LoadRequest) -> None:
        self._faults = request.faults
        self._how: Mapping[str, Any] = {
            "columns": names_option(request, "columns"),
            "left_out": names_option(request, "leave_out"),
            "missing": missing_option(request),
        }
        self.missing = str(self._how["missing"])
        self.decimals: Mapping[str, str] = {}
        self._first = Path()
        self.columns: tuple[str, ...] = ()
        self._rising: dict[str, str] | None = None

    def learn_columns(self, files: Labelled[Path]) -> None:
        """Take the channels of the first file that can be read."""
        for path in files.inputs:
            for columns, _ in files.faults.attempt(lambda file: read_series(file, faults=QUIET, **self._how), path):
                self._first, self.columns = path, columns
                return
        raise BadInputError(
            f'None of {len(files)} tables could be read, such as "{files.inputs[0]}": replace the files.'
        )

    def learn_decimals(self, parts: Parts[Path]) -> None:
        """Take the way in which the files of a domain, together, write numbers with decimal commas."""
        self.decimals = series_decimals(example_files(parts), columns=self.columns)

    def read(self, path: Path) -> Any:
        """Return a series `(T, C)`. Raises `BadInputError` if it has other channels."""
        names, series = read_series(path, decimals=self.decimals, faults=self._faults, **self._how)
        if names != self.columns:
            raise BadInputError(
                f'"{path}" has the columns {", ".join(names)}, but "{self._first}" has {", ".join(self.columns)}: use '
                f"the same."
            )
        rising = rising_channels(names, series)
        known = rising if self._rising is None else self._rising
        self._rising = {name: what for name, what in known.items() if name in rising}
        return series

    def note_roles(self) -> None:
        """Note the channels that rise in every file, and describe all of them."""
        for name in self.columns:
            self._faults.describe(name, "channel")
        for name in self._how["left_out"]:
            self._faults.describe(name, "left out")
        for name, what in (self._rising or {}).items():
            self._faults.note(
                f'Column "{name}" {what} in every file: it tells when a row was recorded, not what it is, and may give '
                f"the label away. If it is no measurement: --set task.leave_out={name}, or task.columns=OTHERS"
            )


def labels(request: LoadRequest) -> TaskLabels:
    """Return the classes of each domain."""
    return task_labels(*class_sides(request, TABLE_SUFFIXES))
