"""The classes in the boxes of a domain."""

from __future__ import annotations

from tlbench import BadInputError
from tlbench.assets import Labelled, Parts, quoted
from tlbench_detection.formats.boxed import Boxed


def classes_of(half: Labelled[Boxed]) -> tuple[str, ...]:
    """Return the names of the classes in the boxes, in the order of the alphabet. Raises `BadInputError` for none."""
    names = {box.label for boxed in half.inputs for box in boxed.boxes if not box.crowd}
    if not names:
        raise BadInputError(f'"{half.where}": no image has a box: a detector cannot learn from this. Add boxes.')
    return tuple(sorted(names))


def note_classes(source: Parts[Boxed] | None, target: Parts[Boxed]) -> None:
    """Note classes that only one of the domains has: the setting is then inductive."""
    if source is None:
        return
    first, second = classes_of(source.train), classes_of(target.train)
    if differing := sorted({*first} ^ {*second}):
        target.train.faults.note(
            f"Only one of the domains has boxes of {quoted(differing)}: the setting is inductive (other labels)."
        )
