"""Duplicates: equal examples within a split and between splits, and equal examples with different labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tlbench.cli.inspection.contents import Contents, SplitSummary
from tlbench.engine.near_copies import near_pairs
from tlbench.results.copies import warning

PAIRS = (
    ("source test", "source train"),
    ("target test", "target train"),
    ("target train", "source train"),
    ("target test", "source train"),
    ("source test", "target train"),
    ("target test", "source test"),
)
"""Pairs of splits (first, second): examples of the first are searched in the second."""
SHOWN = 3


def copies(contents: Contents) -> list[dict[str, Any]]:
    """Return the splits with duplicates, their number and a few examples."""
    inside = [_inside(name, split) for name, split in contents.items()]
    between = [_between(contents, name, other) for name, other in _pairs(contents)]
    return [record for record in (*inside, *between) if record["copies"]]


def _pairs(contents: Contents) -> list[tuple[str, str]]:
    """Return the pairs of splits that there are: a task without a source has one."""
    return [pair for pair in PAIRS if contents.keys() >= set(pair)]


def _inside(name: str, split: SplitSummary) -> dict[str, Any]:
    first: dict[bytes, int] = {}
    pairs = []
    for position, key in enumerate(split.keys):
        if first.setdefault(key, position) != position:
            pairs.append((split.places[position], split.places[first[key]]))
    return _record(f"within {name}", len(split.keys), pairs)


def _between(contents: Contents, name: str, other: str) -> dict[str, Any]:
    split, there = contents[name], contents[other]
    places = dict(zip(there.keys, there.places, strict=True))
    pairs = [(place, places[key]) for place, key in zip(split.places, split.keys, strict=True) if key in places]
    return _record(f"{name} in {other}", len(split.keys), pairs)


def _record(where: str, size: int, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "where": where,
        "copies": len(pairs),
        "of": size,
        "such as": [f"{one} = {other}" for one, other in pairs[:SHOWN]],
    }


def leaks(contents: Contents) -> Iterator[str]:
    """Yield data leaks: test examples that are also training examples."""
    for name, other in _pairs(contents):
        count = _between(contents, name, other)["copies"]
        if count and name.endswith("test") and other.endswith("train"):
            size = len(contents[name].keys)
            yield f"{count} of {size} {name} examples are also in {other} (data leak): the test score is too high."


def near_leaks(contents: Contents) -> Iterator[str]:
    """Yield, for each domain, test examples that nearly equal a training example."""
    for side in dict.fromkeys(name.partition(" ")[0] for name in contents):
        train, test = contents[f"{side} train"], contents[f"{side} test"]
        if said := warning(None, len(pairs := _near(train, test)), len(test.keys)):
            one, other = pairs[0]
            yield (
                f"{side.capitalize()} domain: {said}, such as {one} and {other}: the test score may be too high. Keep "
                f"copies in one split (task.group), or remove them."
            )


def _near(train: SplitSummary, test: SplitSummary) -> list[tuple[str, str]]:
    """Return the places of nearly equal examples that are not equal."""
    known = set(train.keys)
    pairs = near_pairs(test.modality, train.prints, test.prints)
    return [(test.places[here], train.places[there]) for here, there in pairs if test.keys[here] not in known]


def conflicts(contents: Contents) -> Iterator[str]:
    """Yield, for each domain, equal examples with different labels."""
    for side in dict.fromkeys(name.partition(" ")[0] for name in contents):
        labels: dict[bytes, dict[tuple[int, ...], str]] = defaultdict(dict)
        for name in (f"{side} train", f"{side} test"):
            split = contents[name]
            for key, target, place in zip(split.keys, split.targets, split.places, strict=True):
                labels[key].setdefault(target, place)
        torn = [places for places in labels.values() if len(places) > 1]
        if torn:
            names = contents[f"{side} train"].labels
            shown = ", ".join(f"{place} ({_words(names, target)})" for target, place in torn[0].items())
            yield f"{side.capitalize()} domain: {len(torn)} equal examples with different labels, such as {shown}."


def _words(names: tuple[str, ...], target: tuple[int, ...]) -> str:
    return " ".join(names[index] for index in target)
