"""The task for anyone's own images."""

from __future__ import annotations

from tlbench import CLASSIFICATION, SPLIT_OPTIONS, Option, TaskSpec, deferred


def own_images() -> TaskSpec:
    """Return the task whose images a user names."""
    return TaskSpec(
        name="vision/image-folder",
        title="Your own images",
        summary="A folder of images with a subfolder for each class, or a table; a second one is the source.",
        source="The folder or table in task.source, if there is one.",
        target="The folder or table in task.target.",
        shift="Any difference between the two; with other labels the setting is inductive.",
        modality="image",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="image/resnet-small",
        label_budget=50,
        augment=("crop", "light"),
        augment_strength="none",
        data_from="user",
        requires=("PIL",),
        extra="vision",
        options=(
            Option(
                name="source",
                default="",
                summary="folder ROOT/CLASS/FILE.png (or another format), with the splits train/ and test/ (or valid/, "
                "val/, validation/, dev/), else a fifth of each class is held out by file name; or table with the "
                "columns file, label and split (train, valid, test), or folder with such a metadata.csv; or Parquet "
                "table or data set hf://OWNER/NAME[/CONFIG][@REVISION] with images. Transparent pixels become white. "
                "Empty: no source domain",
            ),
            Option(name="target", default="", summary="the same for the target; its classes may be others"),
            Option(name="label", default="label", summary="column of the labels in a table"),
            Option(
                name="size",
                default=32,
                summary="width and height that images are scaled to; 0 (the default if the backbone scales images) "
                "keeps their size",
                unit="px",
                by_trait={"scales": 0},
            ),
            Option(name="grey", default=False, summary="one grey channel instead of RGB"),
            *SPLIT_OPTIONS,
        ),
        files=deferred("tlbench_vision.tasks.image_folder", "files"),
        load=deferred("tlbench_vision.tasks.image_folder", "load"),
        labels=deferred("tlbench_vision.tasks.image_folder", "labels"),
        reader=deferred("tlbench.assets", "image_reader"),
    )
