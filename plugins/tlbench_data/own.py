"""Tasks for anyone's own files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import ANOMALY, CLASSIFICATION, SPLIT_OPTIONS, LoadRequest, Option, TaskLabels, TaskSpec, deferred
from tlbench_data.options import FEATURES, places, used_columns

SPLITS = (
    "its splits are train/ and test/ (or valid/, val/, validation/, dev/), else a fifth of each class is held out by "
    "file name; or table with the columns file, label and split, and those of task.group and task.time"
)
STATES = ("normal", "anomaly")
TABLE_FORMATS = "CSV, TSV, JSON (lines) or Parquet table, or hf://OWNER/NAME[/CONFIG][@REVISION]"


def _folders(request: LoadRequest, suffixes: Sequence[str]) -> Sequence[Path]:
    from tlbench.assets import class_sides, files_read

    return files_read(*class_sides(request, suffixes))


def _wav_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import SOUND_SUFFIXES

    return _folders(request, SOUND_SUFFIXES)


def _table_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import check_columns, side_tables, split_columns

    paths = [path for files in side_tables(request).values() for part in files.values() for path in part]
    for path in paths:
        columns = used_columns(request, str(request.options["label"]), *split_columns(request).named())
        check_columns(path, *columns, faults=request.faults)
    return paths


def _series_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import TABLE_SUFFIXES

    return _folders(request, TABLE_SUFFIXES)


def medmnist_files(request: LoadRequest) -> Sequence[Path]:
    """Return the file of the source, if there is one, then that of the target."""
    from tlbench.assets import has_source, integer_option, option_path

    if request.options["size"]:
        integer_option(request, "size", 8)
    target = option_path(request, "target")
    return [option_path(request, "source"), target] if has_source(request) else [target]


def fixed_labels(request: LoadRequest, labels: Sequence[str]) -> TaskLabels:
    """Return the same labels for both domains, or for the target alone if the user names no source."""
    from tlbench.assets import has_source

    return TaskLabels(source=tuple(labels) if has_source(request) else None, target=tuple(labels))


def _states(request: LoadRequest) -> TaskLabels:
    return fixed_labels(request, STATES)


def _wav_folder() -> TaskSpec:
    return TaskSpec(
        name="speech/wav-folder",
        title="Your own recordings",
        summary="A folder of sound files with one subfolder per class; a second one is the source.",
        source="The folder in task.source, if there is one.",
        target="The folder in task.target.",
        shift="Any difference between the two; with other labels the setting is inductive.",
        modality="audio",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="audio/logmel-cnn",
        label_budget=40,
        augment=("noise", "time-mask", "frequency-mask"),
        augment_strength="none",
        data_from="user",
        requires=("soundfile",),
        extra="speech",
        options=(
            *places(
                f"folder ROOT/CLASS/FILE.wav, or FLAC, Ogg, MP3 or AIFF; {SPLITS}",
                "folder with the same layout; its classes may be others",
                alone=True,
            ),
            *SPLIT_OPTIONS,
        ),
        files=_wav_files,
        load=deferred("tlbench_data.tasks.sounds", "load_folders"),
        labels=deferred("tlbench_data.tasks.sounds", "labels"),
        reader=deferred("tlbench.assets", "sound_reader"),
    )


def _table() -> TaskSpec:
    return TaskSpec(
        name="anomaly/table",
        title="Your own records",
        summary="A table of normal and anomalous records, a second one is the source; text columns become one-hot.",
        source="The table in task.source, if there is one.",
        target="The table in task.target.",
        shift="Any difference between the two; the label of normal records stays the same.",
        modality="tabular",
        kind=ANOMALY,
        metric="average-precision",
        backbone="tabular/mlp",
        label_budget=200,
        data_from="user",
        options=(
            *places(
                f"{TABLE_FORMATS}, a fifth is held out; or folder with the tables train and test (or valid)",
                "table, folder or data set with the same columns",
                alone=True,
            ),
            Option(name="label", default="label", summary="column of the labels"),
            Option(name="normal", default="normal", summary="label of normal records; all others are anomalies"),
            Option(name="log", default=False, summary="apply log(1 + x) to every number"),
            *FEATURES,
            *SPLIT_OPTIONS,
        ),
        files=_table_files,
        load=deferred("tlbench_data.tasks.records", "load_table"),
        labels=_states,
        reader=deferred("tlbench.assets", "record_reader"),
    )


def _medmnist() -> TaskSpec:
    return TaskSpec(
        name="medical/medmnist",
        title="Files of MedMNIST",
        summary="Images in an .npz file, such as organcmnist; a second one, such as organamnist, is the source.",
        source="The file in task.source, if there is one, with its published splits.",
        target="The file in task.target, with its published splits.",
        shift="Any difference between the two; with other labels the setting is inductive.",
        mirrors="MedMNIST v2 (Yang et al. 2023), across its sets",
        modality="image",
        kind=CLASSIFICATION,
        metric="balanced-accuracy",
        backbone="image/resnet-strided",
        label_budget=110,
        augment=("light", "noise"),
        augment_strength="none",
        licence="of MedMNIST: CC BY 4.0, DermaMNIST CC BY-NC 4.0",
        data_from="user",
        requires=("PIL",),
        extra="vision",
        options=(
            *places(
                ".npz file with the arrays train_, val_ and test_images, and train_, val_ and test_labels",
                ".npz file with the same arrays; its classes may be others",
                alone=True,
            ),
            Option(
                name="size",
                default=28,
                summary="width and height that images are scaled to; 0 (the default if the backbone scales images) "
                "keeps their size",
                unit="px",
                by_trait={"scales": 0},
            ),
            Option(name="grey", default=False, summary="one grey channel instead of RGB"),
        ),
        files=medmnist_files,
        load=deferred("tlbench_data.tasks.medmnist", "load"),
        labels=deferred("tlbench_data.tasks.medmnist", "labels"),
    )


def _series() -> TaskSpec:
    return TaskSpec(
        name="robotics/series",
        title="Your own time series",
        summary="A folder of tables, one subfolder per class, one row per time step; a second one is the source.",
        source="The folder in task.source, if there is one.",
        target="The folder in task.target.",
        shift="Any difference between the two; with other labels the setting is inductive.",
        modality="series",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="series/cnn",
        label_budget=48,
        augment=("jitter",),
        augment_strength="none",
        data_from="user",
        options=(
            *places(
                f"folder ROOT/CLASS/FILE.csv (or .tsv); {SPLITS}",
                "folder with the same layout; its classes may be others",
                alone=True,
            ),
            Option(name="window", default=20, summary="length of a window", unit="rows"),
            Option(name="stride", default=10, summary="distance between the starts of two windows", unit="rows"),
            Option(name="columns", default="", summary="columns that are channels, separated by commas; empty: all"),
            *FEATURES,
            *SPLIT_OPTIONS,
        ),
        files=_series_files,
        load=deferred("tlbench_data.tasks.motions", "load_series"),
        labels=deferred("tlbench_data.tasks.motions", "labels"),
        reader=deferred("tlbench.assets", "series_reader"),
    )


def own_tasks() -> list[TaskSpec]:
    """Return the tasks whose files a user names."""
    return [_wav_folder(), _table(), _medmnist(), _series()]
