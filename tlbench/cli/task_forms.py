"""What `tlbench new task --kind` can write: for each kind of problem a small generated task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TaskForm:
    """A task of one kind, whose data is made by the template in the folder `form-KIND`."""

    title: str
    summary: str
    shift: str
    modality: str
    backbone: str
    constant: str
    """The name of its `KindSpec`."""
    module: str = "tlbench"
    """Where that is imported from."""
    metric: str
    budget: int
    extra: str = ""
    """The extra of tlbench that the kind needs."""
    fields: tuple[str, ...] = ()
    """Lines of further fields of the spec; `$package` is the module of the new package."""
    also: tuple[str, ...] = ()
    """Further names of tlbench that these lines use."""
    strategy: str = "finetune"
    """The strategy of the first run."""

    def values(self) -> Mapping[str, object]:
        """Return what the template of the spec is filled with."""
        names = sorted(["TaskSpec", "deferred", *self.also, *([self.constant] if self.module == "tlbench" else [])])
        names.sort(key=lambda name: (not name.isupper(), name[0].islower(), name))
        imports = [f"from tlbench import {', '.join(names)}"]
        if self.module != "tlbench":
            imports.append(f"from {self.module} import {self.constant}")
        return {
            **vars(self),
            "imports": "\n".join(imports),
            "fields": "".join(f"    {line}\n" for line in self.fields),
        }


READER = 'reader=deferred("tlbench.assets", "image_reader"),'
FORMS = {
    "token-classification": TaskForm(
        title="Places and days in letters and messages",
        summary="A tag for each word of a sentence, generated.",
        shift="Messages are short and have other sentences.",
        modality="text",
        backbone="text/bert-tiny",
        constant="TOKEN_CLASSIFICATION",
        metric="entity-f1",
        budget=30,
        extra="nlp",
    ),
    "segmentation": TaskForm(
        title="Masks of discs, one camera to another",
        summary="A label for each pixel of a small image, generated.",
        shift="A brighter ground and more noise.",
        modality="image",
        backbone="image/unet-small",
        constant="SEGMENTATION",
        metric="mean-iou",
        budget=10,
        fields=("# Others, such as flip, move the masks too.", 'augment=("light", "noise"),', READER),
    ),
    "regression": TaskForm(
        title="Weights, one instrument to another",
        summary="A number from six measurements, generated.",
        shift="Every measurement has another gain and another offset.",
        modality="tabular",
        backbone="tabular/mlp",
        constant="REGRESSION",
        metric="r2",
        budget=30,
    ),
    "multi-label": TaskForm(
        title="Faults, one machine to another",
        summary="Any of three faults from eight sensors, generated.",
        shift="Every sensor has another offset.",
        modality="tabular",
        backbone="tabular/mlp",
        constant="MULTI_LABEL",
        metric="mean-average-precision",
        budget=60,
    ),
    "anomaly": TaskForm(
        title="Rare faults, one factory to another",
        summary="One part in ten is faulty, generated.",
        shift="Every measurement has another offset.",
        modality="tabular",
        backbone="tabular/mlp",
        constant="ANOMALY",
        metric="average-precision",
        budget=100,
    ),
    "one-class": TaskForm(
        title="Faults, learnt from normal parts alone",
        summary="Types of parts, then faulty parts that training never shows, generated.",
        shift="Every measurement has another offset, and the labels are others.",
        modality="tabular",
        backbone="tabular/mlp",
        constant="ONE_CLASS",
        metric="auroc",
        budget=100,
        also=("CLASSIFICATION",),
        fields=("source_kind=CLASSIFICATION,", 'setting="inductive",'),
        strategy="centroid-distance",
    ),
    "language-modelling": TaskForm(
        title="Next words, bakers to sailors",
        summary="The log-likelihood of short sentences, which are their own labels; generated.",
        shift="Other things and verbs.",
        modality="text",
        backbone="text/gpt2",
        constant="LANGUAGE_MODELLING",
        metric="log-likelihood",
        budget=50,
    ),
    "detection": TaskForm(
        title="Squares, on a plain to a noisy ground",
        summary="Bright and dark squares with boxes, generated.",
        shift="More noise.",
        modality="image",
        backbone="image/pyramid-small",
        constant="DETECTION",
        module="tlbench_detection.plugin",
        metric="map-50",
        budget=20,
        extra="detection",
        fields=("# Others, such as flip, move the boxes too.", 'augment=("light", "noise"),', READER),
    ),
    "span": TaskForm(
        title="Questions about people to questions about ships",
        summary="The part of a sentence that answers a question, generated.",
        shift="Other names and another sentence.",
        modality="text",
        backbone="text/bert-tiny",
        constant="SPAN",
        module="tlbench_answers.plugin",
        metric="token-f1",
        budget=40,
    ),
    "generation": TaskForm(
        title="Orders summed up, baker to florist",
        summary="A line of text that sums up an order, generated.",
        shift="Other goods, and another phrase.",
        modality="text",
        backbone="text/gpt2-tiny",
        constant="GENERATION",
        module="tlbench_generation.plugin",
        metric="rouge-l",
        budget=40,
        extra="generation",
    ),
    "transcription": TaskForm(
        title="Tones that spell words, one player to another",
        summary="Letters played as tones, written down; generated.",
        shift="A higher pitch and more noise.",
        modality="audio",
        backbone="audio/logmel-frames",
        constant="TRANSCRIPTION",
        module="tlbench_speech.transcripts.kind_spec",
        metric="word-accuracy",
        budget=20,
        extra="speech",
        fields=('reader=deferred("tlbench.assets", "sound_reader"),',),
    ),
    "verification": TaskForm(
        title="Pairs of voices, one microphone to another",
        summary="Whether two clips are of one voice, none of which was trained on; generated.",
        shift="A higher pitch and more noise.",
        modality="audio",
        backbone="audio/logmel-cnn",
        constant="VERIFICATION",
        module="tlbench_speech.verification.kind_spec",
        metric="equal-accuracy",
        budget=24,
        extra="speech",
        fields=('reader=deferred("tlbench.assets", "sound_reader"),',),
    ),
    "policy": TaskForm(
        title="Commands that bring a cart to rest, simulator to cart",
        summary="An expert's commands, cloned and run in a closed loop (`return`).",
        shift="A weaker motor.",
        modality="series",
        backbone="series/cnn",
        constant="REGRESSION",
        metric="r2",
        budget=100,
        fields=('evaluate=deferred("$package.data", "evaluate"),',),
    ),
}
"""Classification has the template of every other package with data."""
