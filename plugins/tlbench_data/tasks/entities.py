"""Named entities: Wikipedia (Tedeschi et al. 2021) as the source, the web (Mayhew et al. 2024) as the target."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tlbench import LoadRequest, Side, Split, TaskData
from tlbench.assets import TaggedSentence, read_conll
from tlbench_data.research import ner_files

LABELS = ("O", *(f"{part}-{kind}" for kind in ("LOC", "ORG", "PER") for part in "BI"))
SOURCE_TRAIN, SOURCE_TEST = 4000, 1000
"""Sentences of Wikipedia that are read: more cost time and change little."""


def load(request: LoadRequest) -> TaskData:
    """Read both domains; other names than persons, locations and organisations count as no name."""
    wiki_train, wiki_test, web_train, web_test = ner_files(request)
    return TaskData(
        source=Side(labels=LABELS, train=_split(wiki_train, SOURCE_TRAIN), test=_split(wiki_test, SOURCE_TEST)),
        target=Side(labels=LABELS, train=_split(web_train), test=_split(web_test)),
    )


def _split(path: Path, count: int | None = None) -> Split:
    index = {label: position for position, label in enumerate(LABELS)}
    sentences: Sequence[TaggedSentence] = list(islice(read_conll(path), count))
    return Split(
        inputs=[words for words, _ in sentences], labels=[[index.get(tag, 0) for tag in tags] for _, tags in sentences]
    )
