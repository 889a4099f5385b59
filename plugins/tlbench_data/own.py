"""Tasks for anyone's own files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import ANOMALY, CLASSIFICATION, LoadRequest, Option, TaskSpec, deferred
from tlbench_data.options import places

SPLITS = (
    "train/ and test/ (or valid/, val/, validation/, dev/) in it are its parts, else a fifth of each class is held out "
    "by file name; or table with the columns file, label and split"
)
TABLE_FORMATS = "CSV, TSV, JSON (lines) or Parquet table, or hf://OWNER/NAME[/CONFIG][@REVISION]"


def _folders(request: LoadRequest, suffixes: Sequence[str]) -> Sequence[Path]:
    from tlbench.assets import class_sides, files_read

    return files_read(*class_sides(request, suffixes))


def _wav_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import SOUND_SUFFIXES

    return _folders(request, SOUND_SUFFIXES)


def _table_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import check_columns, table_files

    sides = [table_files(request, side) for side in ("source", "target")]
    paths = [path for files in sides for part in files.values() for path in part]
    for path in paths:
        check_columns(path, str(request.options["label"]))
    return paths


def _series_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.assets import TABLE_SUFFIXES

    return _folders(request, TABLE_SUFFIXES)


def medmnist_files(request: LoadRequest) -> Sequence[Path]:
    """Return the file of the source, then that of the target."""
    from tlbench.assets import integer_option, option_path

    if request.options["size"]:
        integer_option(request, "size", 8)
    return [option_path(request, "source"), option_path(request, "target")]


def own_tasks() -> list[TaskSpec]:
    """Return the tasks whose files a user names."""
    return [
        TaskSpec(
            name="speech/wav-folder",
            title="Your own recordings",
            summary="Two folders of sound files, one folder a class: the same classes under two conditions.",
            source="The folder that task.source names.",
            target="The folder that task.target names.",
            shift="Whatever differs between the two; the labels stay.",
            modality="audio",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="audio/logmel-cnn",
            label_budget=40,
            data_from="user",
            requires=("soundfile",),
            extra="speech",
            options=places(
                f"folder ROOT/CLASS/FILE.wav, or FLAC, Ogg, MP3 or AIFF; {SPLITS}",
                "folder of the same layout and classes",
            ),
            files=_wav_files,
            load=deferred("tlbench_data.tasks.sounds", "load_folders"),
        ),
        TaskSpec(
            name="anomaly/table",
            title="Your own records",
            summary="Two tables of normal and anomalous records with the same columns; text columns become one-hot.",
            source="The table that task.source names.",
            target="The table that task.target names.",
            shift="Whatever differs between the two; what is normal keeps its name.",
            modality="tabular",
            kind=ANOMALY,
            metric="average-precision",
            backbone="tabular/mlp",
            label_budget=200,
            data_from="user",
            options=(
                *places(
                    f"{TABLE_FORMATS}, a fifth held out; or folder with the tables train and test (or valid)",
                    "table, folder or data set with the same columns",
                ),
                Option(name="label", default="label", summary="column that says what a record is"),
                Option(name="normal", default="normal", summary="its text for normal records; others are anomalies"),
                Option(name="log", default=False, summary="take log(1 + x) of every number"),
            ),
            files=_table_files,
            load=deferred("tlbench_data.tasks.records", "load_table"),
        ),
        TaskSpec(
            name="medical/medmnist",
            title="Two files of MedMNIST",
            summary="Images of one set of classes in two .npz files, such as organamnist and organcmnist: two views.",
            source="The file that task.source names, in its published parts.",
            target="The file that task.target names, in its published parts.",
            shift="Whatever differs between the two; the labels stay.",
            mirrors="MedMNIST v2 (Yang et al. 2023), across its sets",
            modality="image",
            kind=CLASSIFICATION,
            metric="balanced-accuracy",
            backbone="image/resnet-strided",
            label_budget=110,
            licence="of MedMNIST: CC BY 4.0, DermaMNIST CC BY-NC 4.0",
            data_from="user",
            requires=("PIL",),
            extra="vision",
            options=(
                *places(
                    ".npz file with the arrays train_, val_ and test_images, and train_, val_ and test_labels",
                    ".npz file with the same arrays and classes",
                ),
                Option(
                    name="size",
                    default=28,
                    summary="width and height that images are scaled to; 0, the default beside a backbone that scales "
                    "images itself, leaves them as they are",
                    unit="px",
                    by_trait={"scales": 0},
                ),
                Option(name="grey", default=False, summary="one channel for grey instead of RGB"),
            ),
            files=medmnist_files,
            load=deferred("tlbench_data.tasks.medmnist", "load"),
        ),
        TaskSpec(
            name="robotics/series",
            title="Your own time series",
            summary="Two folders of tables, one folder a class, one row a time step: windows over them are classified.",
            source="The folder that task.source names.",
            target="The folder that task.target names.",
            shift="Whatever differs between the two; the labels stay.",
            modality="series",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="series/cnn",
            label_budget=48,
            data_from="user",
            options=(
                *places(f"folder ROOT/CLASS/FILE.csv (or .tsv); {SPLITS}", "folder of the same layout and classes"),
                Option(name="window", default=20, summary="length of a window", unit="rows"),
                Option(name="stride", default=10, summary="from one window's start to the next", unit="rows"),
            ),
            files=_series_files,
            load=deferred("tlbench_data.tasks.motions", "load_series"),
        ),
    ]
