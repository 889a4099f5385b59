"""The task on one's own volumes, as a light spec."""

from __future__ import annotations

from tlbench import AUGMENT_OPTION, SEGMENTATION, SPLIT_OPTIONS, Option, TaskSpec, deferred


def volume_task() -> TaskSpec:
    """Return the task on slices of volumes with masks."""
    return TaskSpec(
        name="medical/volume-folder",
        title="Your own volumes with masks, in slices",
        summary="A folder of NIfTI volumes, each with a mask; models label the pixels of slices, distances are in mm.",
        source="The folder in task.source, if there is one.",
        target="The folder in task.target.",
        shift="Any difference between the two; the labels stay the same.",
        modality="image",
        kind=SEGMENTATION,
        metric="dice",
        backbone="image/unet-small",
        label_budget=20,
        augment=("crop", "light"),
        augment_strength="none",
        data_from="user",
        requires=("PIL", "nibabel"),
        extra="medical",
        options=(
            Option(
                name="source",
                default="",
                summary="folder with images/ and masks/ (or labels/; or imagesTr/ and labelsTr/) whose files .nii or "
                ".nii.gz have the same names (or _mask, _label, _gt behind it); train/ and test/ are outside or inside "
                "of both, else a fifth of the volumes is held out by name; or table with the columns file and mask "
                "(and split, task.group for patients with several volumes). Empty: no source domain",
            ),
            Option(name="target", default="", summary="folder with the same layout and labels"),
            Option(name="axis", default="axial", summary="slices: axial, coronal or sagittal"),
            Option(name="step", default=1, summary="every which slice is used", unit="slices"),
            Option(name="empty", default=True, summary="false: slices with one label alone are left out"),
            Option(
                name="window",
                default="",
                summary="values that become black and white, LOW,HIGH, such as -160,240 Hounsfield units; empty: the "
                "0.5th and 99.5th percentile of each volume",
            ),
            Option(name="size", default=64, summary="width and height that slices are scaled to", unit="px"),
            AUGMENT_OPTION,
            *SPLIT_OPTIONS,
        ),
        files=deferred("tlbench_medical.tasks.volumes", "files"),
        load=deferred("tlbench_medical.tasks.volumes", "load"),
        labels=deferred("tlbench_medical.tasks.volumes", "labels"),
    )
