"""Reviews of books and of kitchenware, made by a small grammar: nobody wrote or bought anything.

A review is two or three clauses, and in a quarter of the cases a sentence that says nothing. Each clause agrees with
the label with probability 0.92, so that no reader can be always right. The data is the same for every seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tlbench import LoadRequest, Side, Split, TaskData

LABELS = ("negative", "positive")
AGREES, EMPTY_TALK = 0.92, 0.25
ADVERBS = ("very", "really", "quite", "rather", "so", "truly")
GENERAL = (
    ("terrible", "awful", "poor", "bad", "disappointing", "horrible", "useless", "dreadful"),
    ("great", "wonderful", "excellent", "good", "pleasing", "superb", "fine", "perfect"),
)
"""Words that say the same everywhere: negative, positive."""

BOOK_ASPECTS = (
    "plot", "hero", "ending", "prose", "chapter", "dialogue", "narrator", "setting", "style", "theme",
    "cover", "translation",
)  # fmt: skip
BOOK_BLAME = (
    "dull", "wooden", "rambling", "shallow", "stale", "confusing", "trite", "tedious", "pretentious",
    "sluggish", "light", "simple", "predictable",
)  # fmt: skip
BOOK_PRAISE = (
    "gripping", "moving", "witty", "vivid", "lyrical", "absorbing", "haunting", "clever", "tender",
    "suspenseful", "dark", "heavy", "sharp",
)  # fmt: skip
KITCHEN_ASPECTS = (
    "kettle", "handle", "blade", "lid", "pan", "motor", "timer", "spout", "grip", "switch", "jug", "surface",
)  # fmt: skip
KITCHEN_BLAME = (
    "leaky", "wobbly", "noisy", "rusty", "flimsy", "sticky", "greasy", "brittle", "smelly", "slow", "dark",
    "heavy",
)  # fmt: skip
KITCHEN_PRAISE = (
    "sturdy", "durable", "handy", "compact", "quiet", "shiny", "fast", "reliable", "spotless", "practical",
    "light", "simple", "predictable", "sharp",
)  # fmt: skip
"""`light`, `simple`, `predictable`, `dark` and `heavy` change sides between the fields; `sharp` is praise in both."""


@dataclass(frozen=True)
class Goods:
    """What is reviewed, in which words."""

    aspects: Sequence[str]
    words: tuple[Sequence[str], Sequence[str]]
    """Negative and positive words of the field."""
    talk: Sequence[str]
    own: float
    """How often a word is one of the field's."""


BOOKS = Goods(
    aspects=BOOK_ASPECTS,
    words=(BOOK_BLAME, BOOK_PRAISE),
    talk=("i read it on a train", "it was a gift", "it has many pages", "my club chose it"),
    own=0.5,
)
KITCHEN = Goods(
    aspects=KITCHEN_ASPECTS,
    words=(KITCHEN_BLAME, KITCHEN_PRAISE),
    talk=("i use it at home", "it came in a box", "it stands by the sink", "my sister has one"),
    own=0.6,
)


class Writer:
    """Draws clauses on one kind of goods."""

    def __init__(self, goods: Goods, random: np.random.Generator) -> None:
        self._goods, self._random = goods, random
        forms: Mapping[Callable[[int], str], float] = {
            self._plain: 0.42,
            self._denied: 0.08,
            self._contrast: 0.08,
            self._short: 0.17,
            self._double: 0.25,
        }
        self._forms, self._chances = list(forms), list(forms.values())

    def review(self, label: int) -> str:
        """Return a text that says 0, negative, or 1, positive."""
        clauses = []
        for _ in range(self._random.integers(2, 4)):
            says = label if self._random.random() < AGREES else 1 - label
            clauses.append(self._forms[self._random.choice(len(self._forms), p=self._chances)](says))
        if self._random.random() < EMPTY_TALK:
            clauses.insert(int(self._random.integers(len(clauses) + 1)), self._pick(self._goods.talk))
        return " . ".join(clauses)

    def _plain(self, says: int) -> str:
        return f"the {self._aspect()} is {self._pick(ADVERBS)} {self._word(says)}"

    def _denied(self, says: int) -> str:
        return f"the {self._aspect()} is not {self._word(1 - says)}"

    def _contrast(self, says: int) -> str:
        return f"{self._word(1 - says)} {self._aspect()} but {self._word(says)} {self._aspect()}"

    def _short(self, says: int) -> str:
        return f"{self._pick(ADVERBS)} {self._word(says)} {self._aspect()}"

    def _double(self, says: int) -> str:
        return f"{self._word(says)} and {self._word(says)} {self._aspect()}"

    def _aspect(self) -> str:
        return self._pick(self._goods.aspects)

    def _word(self, says: int) -> str:
        return self._pick(self._goods.words[says] if self._random.random() < self._goods.own else GENERAL[says])

    def _pick(self, words: Sequence[str]) -> str:
        return words[int(self._random.integers(len(words)))]


def load(request: LoadRequest) -> TaskData:
    """Write 1,500 and 500 reviews of books, 2,000 and 800 of kitchenware."""
    random = np.random.default_rng(20240701)
    return TaskData(source=_side(BOOKS, 1500, 500, random), target=_side(KITCHEN, 2000, 800, random))


def _side(goods: Goods, train: int, test: int, random: np.random.Generator) -> Side:
    writer = Writer(goods, random)
    return Side(labels=LABELS, train=_split(writer, train, random), test=_split(writer, test, random))


def _split(writer: Writer, size: int, random: np.random.Generator) -> Split:
    labels = random.permutation(np.arange(size) % 2)
    return Split(inputs=[writer.review(int(label)) for label in labels], labels=labels)
