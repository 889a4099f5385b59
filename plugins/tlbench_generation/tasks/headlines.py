"""Notes of several fields, and a line that sums each up: generated, the same for every seed.

A note lists its fields in any order, a quarter of them with a field that the line leaves out. The line copies words of
the note into a phrase of the domain; which phrase it is depends on whether the matter is urgent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tlbench import LoadRequest, Side, Split, TaskData

SOURCE_TRAIN, TARGET_TRAIN, TEST = 2000, 1500, 100
LEFT_OUT = 0.25
"""How often a note has a field that its line says nothing of."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
STATES = ("broken", "blocked", "leaking", "missing", "dirty", "loose", "noisy", "wet")


@dataclass(frozen=True)
class Domain:
    """How notes are taken and summed up."""

    fields: Mapping[str, tuple[str, Sequence[str]]]
    """`thing`, `place`, `state`, `day`, `level` and `other` -> the name of the field and its values; the first level is
    urgent."""
    urgent: str
    usual: str
    """Phrases for the line."""


CARETAKER = Domain(
    fields={
        "thing": (
            "item",
            (
                "heater",
                "lamp",
                "door",
                "window",
                "pump",
                "lift",
                "printer",
                "carpet",
                "camera",
                "cable",
                "shelf",
                "coffee machine",
                "fire alarm",
                "water tank",
            ),
        ),
        "place": (
            "place",
            (
                "cellar",
                "kitchen",
                "hall",
                "garage",
                "library",
                "attic",
                "office",
                "corridor",
                "storage room",
                "meeting room",
            ),
        ),
        "state": ("state", STATES),
        "day": ("day", DAYS),
        "level": ("urgent", ("yes", "no")),
        "other": ("reported by", ("anna", "boris", "chen", "dora", "emil")),
    },
    urgent="please hurry : the {thing} in the {place} is {state} since {day} .",
    usual="the {thing} in the {place} is {state} since {day} .",
)
HARBOUR = Domain(
    fields={
        "thing": (
            "item",
            (
                "pump",
                "cable",
                "camera",
                "door",
                "lamp",
                "water tank",
                "fire alarm",
                "lift",
                "heater",
                "anchor",
                "crane",
                "winch",
                "ladder",
                "fuel hose",
            ),
        ),
        "place": (
            "place",
            ("hall", "garage", "storage room", "office", "cellar", "kitchen", "pier", "dock", "deck", "quay"),
        ),
        "state": ("fault", (*STATES, "rusty", "stuck")),
        "day": ("seen", DAYS),
        "level": ("urgent", ("yes", "no")),
        "other": ("crew", ("anna", "chen", "farah", "goran", "hilde")),
    },
    urgent="keep away : {state} {thing} seen on {day} , at the {place} .",
    usual="{state} {thing} seen on {day} , at the {place} .",
)


def load(request: LoadRequest) -> TaskData:
    """Return notes as prompts and their lines as answers."""
    return TaskData(
        source=_side(CARETAKER, SOURCE_TRAIN, 1), target=_side(HARBOUR, TARGET_TRAIN, 2), reading={"prompt": "prompt"}
    )


def _side(domain: Domain, size: int, seed: int) -> Side:
    """Return different notes, the last of them for the test."""
    random = np.random.default_rng(seed)
    pairs: dict[str, str] = {}
    while len(pairs) < size + TEST:
        prompt, line = _note(domain, random)
        pairs[prompt] = line
    examples = list(pairs.items())
    return Side(labels=("text",), train=_split(examples[:size]), test=_split(examples[size:]))


def _split(examples: list[tuple[str, str]]) -> Split:
    return Split(inputs=examples, labels=[0] * len(examples), references=[[line] for _, line in examples])


def _note(domain: Domain, random: np.random.Generator) -> tuple[str, str]:
    drawn = {field: str(random.choice(values)) for field, (_, values) in domain.fields.items()}
    shown = [field for field in drawn if field != "other" or random.random() < LEFT_OUT]
    order = random.permutation(len(shown))
    note = " ; ".join(f"{domain.fields[shown[place]][0]} : {drawn[shown[place]]}" for place in order)
    urgent = drawn["level"] == domain.fields["level"][1][0]
    return note, (domain.urgent if urgent else domain.usual).format_map(drawn)
