"""Windows over recordings: the reality gap of a robot arm (Collins, Howard & Leitner 2019), and one's own series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tlbench import BadInputError, LoadRequest, TaskData, TaskLabels
from tlbench.assets import (
    TABLE_SUFFIXES,
    Labelled,
    Parts,
    by_file,
    class_files,
    class_sides,
    hold_out,
    integer_option,
    option_path,
    read_series,
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


def _first_columns(files: Labelled[Path]) -> tuple[Path, tuple[str, ...]]:
    for path in files.inputs:
        for columns, _ in files.faults.attempt(read_series, path):
            return path, columns
    raise BadInputError(f'None of {len(files)} tables could be read, such as "{files.inputs[0]}": replace the files.')


def load_series(request: LoadRequest) -> TaskData:
    """Read windows over series in class folders; every file must have the same columns."""
    rows, stride = integer_option(request, "window", 2), integer_option(request, "stride", 1)
    source, target = class_sides(request, TABLE_SUFFIXES)
    first, columns = _first_columns((source or target).train)

    def read(path: Path) -> list[Any]:
        names, series = read_series(path, faults=request.faults)
        if names != columns:
            raise BadInputError(
                f'"{path}" has the columns {", ".join(names)}, but "{first}" has {", ".join(columns)}: use the same.'
            )
        return sliding_windows(path, series, rows, stride)

    def windows(parts: Parts[Path]) -> Parts[Any]:
        return parts.map(lambda files: by_file(files).spread(read))

    return task_data(None if source is None else windows(source), windows(target))


def labels(request: LoadRequest) -> TaskLabels:
    """Return the classes of each domain."""
    return task_labels(*class_sides(request, TABLE_SUFFIXES))
