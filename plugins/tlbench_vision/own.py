"""The task for anyone's own images."""

from __future__ import annotations

from tlbench import CLASSIFICATION, Option, TaskSpec, deferred


def own_images() -> TaskSpec:
    """Return the task whose images a user names."""
    return TaskSpec(
        name="vision/image-folder",
        title="Your own images",
        summary="Two folders of images, one folder a class, or two tables: the same classes under two conditions.",
        source="The folder or table that task.source names.",
        target="The folder or table that task.target names.",
        shift="Whatever differs between the two; the labels stay.",
        modality="image",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="image/resnet-small",
        label_budget=50,
        data_from="user",
        requires=("PIL",),
        extra="vision",
        options=(
            Option(
                name="source",
                default="",
                summary="folder ROOT/CLASS/FILE.png or another format, train/ and test/ (or valid/, val/, validation/, "
                "dev/) in it its parts, else a fifth of each class held out by file name; table of the columns file, "
                "label and split (train, valid, test); Parquet table, or data set "
                "hf://OWNER/NAME[/CONFIG][@REVISION], that holds images. Transparent pixels become white",
            ),
            Option(name="target", default="", summary="the same, with the same classes"),
            Option(name="label", default="label", summary="column of the labels in a table that holds the images"),
            Option(
                name="size",
                default=32,
                summary="width and height that images are scaled to; 0, the default beside a backbone that scales "
                "images itself, leaves them as they are",
                unit="px",
                by_trait={"scales": 0},
            ),
            Option(name="grey", default=False, summary="one channel for grey instead of RGB"),
        ),
        files=deferred("tlbench_vision.tasks.image_folder", "files"),
        load=deferred("tlbench_vision.tasks.image_folder", "load"),
    )
