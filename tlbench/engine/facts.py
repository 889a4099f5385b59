"""What a user asks of data before a run: how many examples there are, and their sizes before and after the backbone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from tlbench.assets.readers.original_sizes import noting_sizes
from tlbench.contract.options import OptionValue
from tlbench.contract.requests import ANSWER_TOKENS, Layout
from tlbench.contract.task_data import Array, ExampleSequence
from tlbench.engine.contents import FACTS
from tlbench.learning.data import Inputs
from tlbench.learning.ragged import Ragged

LIMIT = "max_length"
"""The option of backbones for text by which longer inputs are cut."""
NO_MARKS: Mapping[str, Array] = MappingProxyType({})
FIRST = 1
"""What stands for the place of a word of a context that is behind the cut: the first token's."""
NO_LAYOUTS: Mapping[str, Layout] = MappingProxyType({})


class SizedExamples:
    """Raw examples, with the sizes of the arrays that were read."""

    def __init__(self, examples: ExampleSequence) -> None:
        self._examples = examples
        self.sizes: set[tuple[int, ...]] = set()
        self.original: set[tuple[int, int]] = set()
        """Width and height of images in their files."""

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Any:
        with noting_sizes(self.original):
            example = self._examples[index]
        if isinstance(example, np.ndarray):
            self.sizes.add(example.shape)
        return example

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))


def write_facts(
    folder: Path,
    raw: Mapping[str, SizedExamples],
    inputs: Mapping[str, Inputs],
    options: Mapping[str, OptionValue],
    layouts: Mapping[str, Layout] = NO_LAYOUTS,
    marks: Mapping[str, Array] = NO_MARKS,
) -> None:
    """Write for each split the number of its examples, ranges of their sizes, and how many reach the limit of length.

    `raw` are the examples that were prepared, `inputs` what they became under the backbone's options. `layouts` are
    those of the splits: in `continuation`, prompts and answers have limits of their own. `marks` are, of splits in the
    layout `context`, those of the words in which an answer begins and ends, `(M, 2)`.
    """
    facts = {name: _split_facts(raw[name], inputs[name], options.get(LIMIT), layouts.get(name)) for name in raw}
    for name, marked in marks.items():
        facts[name] |= answer_facts(inputs[name], marked)
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _split_facts(
    raw: SizedExamples, inputs: Inputs, limit: OptionValue | None, layout: Layout | None
) -> dict[str, Any]:
    first = inputs.columns[0]
    facts = {"examples": len(raw), "raw": size_range(raw.sizes), "original": size_range({*raw.original})}
    if not isinstance(first, Ragged):
        return {**facts, "input": size_range({tuple(first.shape[1:])})}
    lengths = np.diff(first.offsets)
    facts["input"] = size_range({(int(lengths.min()),), (int(lengths.max()),)})
    marks = inputs.columns[-1]
    if isinstance(limit, int) and layout == "continuation" and isinstance(marks, Ragged):
        of_prompts = np.array([part.argmax() for part in marks.split()])
        of_answers = np.array([part.sum() for part in marks.split()])
        facts |= {"limit": limit - ANSWER_TOKENS, "at_limit": int((of_prompts >= limit - ANSWER_TOKENS).sum())}
        facts["answers_at_limit"] = int((of_answers >= ANSWER_TOKENS).sum())
    elif isinstance(limit, int):
        facts |= {"limit": limit, "at_limit": int((lengths >= limit).sum())}
    return facts


def answer_facts(inputs: Inputs, marks: Array) -> dict[str, Any]:
    """Return how many examples have an answer, and of how many it is behind the cut, at least in part."""
    places = inputs.columns[-1]
    assert isinstance(places, Ragged)
    of_words, marked = np.repeat(np.arange(len(places)), places.lengths), marks.any(1)
    answered, cut = (len(np.unique(of_words[chosen])) for chosen in (marked, marked & (places.values == FIRST)))
    return {"answers": answered, "answers_cut": cut}


def size_range(sizes: Set[tuple[int, ...]]) -> list[list[int]] | None:
    """Return the smallest and the largest number of each axis; None without sizes, or if their ranks differ."""
    if len({len(size) for size in sizes}) != 1:
        return None
    axes = list(zip(*sizes, strict=True))
    return [[int(min(axis)) for axis in axes], [int(max(axis)) for axis in axes]]
