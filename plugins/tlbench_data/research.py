"""Tasks on real data that is for research or non-commercial use, or without a stated licence: nobody may publish it.

`tlbench fetch` cannot download them. Each licence says where the data comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from tlbench import CLASSIFICATION, TOKEN_CLASSIFICATION, LoadRequest, Option, TaskSpec, deferred
from tlbench_data.options import places

OFFICE = "research use, no licence stated: github.com/ChristophRaab/Office_Caltech_DA_Dataset"
LC25000 = "research use with citation: LC25000, one image of each tile (github.com/GeorgeBatch/LC25000-clean)"
WIKINEURAL = "WikiNEuRal: CC BY-NC-SA 4.0; Universal NER, English Web Treebank: CC BY-SA 4.0"
SPEECHOCEAN = "speechocean762: free for commercial and non-commercial use (dataset card: Apache-2.0)"
OBJECTS = (
    "backpack", "bike", "calculator", "headphones", "keyboard", "laptop_computer", "monitor", "mouse", "mug",
    "projector",
)  # fmt: skip
IMAGENET = {
    "backpack": "backpack",
    "keyboard": "computer keyboard",
    "laptop_computer": "laptop",
    "monitor": "monitor",
    "mouse": "computer mouse",
    "mug": "coffee mug",
    "projector": "projector",
}
"""Objects that are a class of ImageNet, and its name. It has neither calculators nor headphones, and two bicycles."""
TISSUES = ("adenocarcinoma", "benign")
SIZE = Option(
    name="size",
    default=64,
    summary="width and height that images are scaled to; 0 (the default if the backbone scales images) keeps their "
    "size",
    unit="px",
    by_trait={"scales": 0},
)


def _photographs(target: str, title: str, described: str, shift: str) -> TaskSpec:
    return TaskSpec(
        name=f"vision/amazon-{target}",
        title=title,
        summary="Ten kinds of objects in photographs: Office-Caltech-10, at most 160 pixels wide or high; real data.",
        source="933 pictures of a shop, objects on white; a fifth of each class for testing.",
        target=f"{described}, half of each class for testing.",
        shift=shift,
        mirrors="Office-Caltech-10 (Gong et al. 2012)",
        modality="image",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="image/resnet-small",
        label_budget=50,
        augment=("affine",),
        licence=OFFICE,
        data_from="data-root",
        requires=("PIL",),
        extra="vision",
        options=(
            *places(
                "folder with the pictures of the shop by class (default: TLBENCH_DATA/office_caltech/amazon)",
                f"folder with the other pictures by class (default: TLBENCH_DATA/office_caltech/{target})",
            ),
            SIZE,
        ),
        files=partial(_image_files, "office_caltech", ("amazon", target), OBJECTS),
        load=partial(_load_images, "office_caltech", ("amazon", target), OBJECTS),
    )


def _lung_colon() -> TaskSpec:
    return TaskSpec(
        name="medical/lung-colon",
        title="Tumours, lung to colon",
        summary="Adenocarcinoma or benign tissue in stained sections, 96 x 96 pixels, no two of one tile; real data.",
        source="Lung: 492 tiles, a fifth of each class for testing.",
        target="Colon: 491 tiles, half of each class for testing.",
        shift="Another organ; the labels stay the same. Benign lung differs from tumours by its colour alone.",
        mirrors="LC25000 (Borkowski et al. 2019)",
        modality="image",
        kind=CLASSIFICATION,
        metric="balanced-accuracy",
        backbone="image/resnet-small",
        label_budget=20,
        augment=("affine", "noise"),
        licence=LC25000,
        data_from="data-root",
        requires=("PIL",),
        extra="vision",
        options=(
            *places(
                "folder with lung tissue by class (default: TLBENCH_DATA/lung_colon_histology/lung)",
                "folder with colon tissue by class (default: TLBENCH_DATA/lung_colon_histology/colon)",
            ),
            SIZE,
        ),
        files=partial(_image_files, "lung_colon_histology", ("lung", "colon"), TISSUES),
        load=partial(_load_images, "lung_colon_histology", ("lung", "colon"), TISSUES),
    )


def _imagenet() -> TaskSpec:
    return TaskSpec(
        name="vision/imagenet-webcam",
        title="Classes of ImageNet to objects in an office",
        summary="Photographs of objects, at most 160 pixels wide or high, and what is lost of ImageNet's classes.",
        source="612 pictures from the web, of Caltech-256, in seven classes of ImageNet; a fifth of each for testing.",
        target="295 pictures of ten objects by a webcam, half of each class for testing.",
        shift="Another camera, light and background, and three objects more, two of which ImageNet lacks.",
        setting="inductive",
        mirrors="ImageNet to Office (Donahue et al. 2014, DeCAF)",
        modality="image",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="image/resnet-small",
        label_budget=50,
        augment=("affine",),
        licence=OFFICE,
        data_from="data-root",
        requires=("PIL",),
        extra="vision",
        options=(
            *places(
                "folder with pictures by class, seven of which are read (default: TLBENCH_DATA/office_caltech/caltech)",
                "folder with pictures of the webcam by class (default: TLBENCH_DATA/office_caltech/webcam)",
            ),
            SIZE,
        ),
        files=_imagenet_files,
        load=partial(deferred("tlbench_data.tasks.photographs", "load_imagenet"), IMAGENET, OBJECTS),
    )


def _imagenet_files(request: LoadRequest) -> list[Path]:
    from tlbench.assets import files_read
    from tlbench_data.tasks.photographs import imagenet_sides

    return files_read(*imagenet_sides(IMAGENET, OBJECTS, request))


_load_images = deferred("tlbench_data.tasks.photographs", "load")


def _image_files(folder: str, sides: tuple[str, str], classes: Sequence[str], request: LoadRequest) -> list[Path]:
    from tlbench.assets import files_read
    from tlbench_data.tasks.photographs import image_sides

    return files_read(*image_sides(folder, sides, classes, request))


def ner_files(request: LoadRequest) -> list[Path]:
    """Return the training and test files of Wikipedia, then those of the web."""
    return [
        *request.files("source", "ner_wiki_web", "wiki_train.conll", "wiki_test.conll"),
        *request.files("target", "ner_wiki_web", "web_train.conll", "web_test.conll"),
    ]


def _ner_wiki_web() -> TaskSpec:
    return TaskSpec(
        name="nlp/ner-wiki-web",
        title="Named entities, Wikipedia to the web",
        summary="Persons, locations and organisations in articles and in e-mail, reviews and forums; real data.",
        source="WikiNEuRal: 4,000 sentences with tags of a program, 1,000 for testing.",
        target="English Web Treebank: 1,880 sentences for training, the published 1,965 for testing.",
        shift="Edited to informal text with fewer names; the labels stay the same.",
        mirrors="Universal NER (Mayhew et al. 2024)",
        modality="text",
        kind=TOKEN_CLASSIFICATION,
        metric="entity-f1",
        backbone="text/bert-small",
        label_budget=400,
        licence=WIKINEURAL,
        data_from="data-root",
        options=places(
            "folder with wiki_train.conll and wiki_test.conll (default: TLBENCH_DATA/ner_wiki_web)",
            "folder with web_train.conll and web_test.conll (default: TLBENCH_DATA/ner_wiki_web)",
        ),
        files=ner_files,
        load=deferred("tlbench_data.tasks.entities", "load"),
    )


def _speaker_files(request: LoadRequest) -> list[Path]:
    from tlbench.assets import files_read
    from tlbench_data.tasks.speakers import speaker_sides

    return files_read(*speaker_sides(request))


def _speakers() -> TaskSpec:
    return TaskSpec(
        name="speech/speakers-telephone",
        title="Speakers, clean to telephone",
        summary="Which of ten adults reads a sentence of two seconds; another sentence each time; real voices.",
        source="Clean recordings: 70 for training, 30 for testing.",
        target="Simulated telephone with babble of other speakers: 40 for training, 40 for testing.",
        shift="Narrow band, companding and noise; the labels stay the same.",
        mirrors="speaker recognition across channels",
        modality="audio",
        kind=CLASSIFICATION,
        metric="accuracy",
        backbone="audio/logmel-cnn",
        label_budget=20,
        augment=("noise", "time-mask", "frequency-mask"),
        augment_strength="none",
        licence=SPEECHOCEAN,
        data_from="data-root",
        requires=("soundfile",),
        extra="speech",
        options=places(
            "folder with utterances.csv and audio/ (default: TLBENCH_DATA/speaker_id)",
            "the same for the telephone (default: TLBENCH_DATA/speaker_id)",
        ),
        files=_speaker_files,
        load=deferred("tlbench_data.tasks.speakers", "load"),
    )


def research_tasks() -> list[TaskSpec]:
    """Return the tasks whose files cannot be downloaded."""
    return [
        _photographs(
            "webcam",
            "Photographs of objects, shop to office",
            "295 pictures of a webcam in an office, some of the same object",
            "Another camera, light, background and size; the labels stay the same.",
        ),
        _photographs(
            "caltech",
            "Photographs of objects, shop to the web",
            "876 pictures from the web, of Caltech-256",
            "Other objects of these kinds, with backgrounds; the labels stay the same.",
        ),
        _imagenet(),
        _lung_colon(),
        _ner_wiki_web(),
        _speakers(),
    ]
