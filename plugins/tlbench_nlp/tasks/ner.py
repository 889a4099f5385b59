"""Named entities: wikigold (Balasuriya et al. 2009) as the source, WNUT 17 (Derczynski et al. 2017) as the target."""

from __future__ import annotations

from collections.abc import Sequence

from tlbench import LoadRequest, Side, Split, TaskData
from tlbench.assets import TaggedSentence, read_conll
from tlbench_nlp.plugin import ner_files

KINDS = ("LOC", "MISC", "ORG", "PER")
LABELS = ("O", *(f"{part}-{kind}" for kind in KINDS for part in "BI"))
COMMON = {
    "person": "PER",
    "location": "LOC",
    "corporation": "ORG",
    "group": "ORG",
    "product": "MISC",
    "creative-work": "MISC",
}
"""WNUT's kinds in terms of wikigold's."""


def load(request: LoadRequest) -> TaskData:
    """Read both sides; WNUT 17 training and development are one part."""
    wikigold, *wnut = (read_conll(path) for path in ner_files(request))
    source_test = wikigold[::5]
    source_train = [sentence for index, sentence in enumerate(wikigold) if index % 5]
    training, development, test = wnut
    return TaskData(
        source=Side(labels=LABELS, train=_split(source_train), test=_split(source_test)),
        target=Side(labels=LABELS, train=_split(training + development), test=_split(test)),
    )


def _split(sentences: Sequence[TaggedSentence]) -> Split:
    index = {label: position for position, label in enumerate(LABELS)}
    inputs = [words for words, _ in sentences]
    labels = [[index[tag] for tag in to_bio(tags)] for _, tags in sentences]
    return Split(inputs=inputs, labels=labels)


def to_bio(tags: Sequence[str]) -> list[str]:
    """Return tags of the common kinds in BIO: an entity starts with B, also where the file marks only its inside."""
    converted: list[str] = []
    previous = "O"
    for tag in tags:
        part, _, kind = tag.partition("-")
        kind = COMMON.get(kind, kind)
        if part == "O":
            converted.append("O")
        else:
            starts = part == "B" or previous != kind
            converted.append(f"{'B' if starts else 'I'}-{kind}")
        previous = "O" if part == "O" else kind
    return converted
