"""Arguments of `tlbench.run` -> values of a request, checked."""

from __future__ import annotations

import operator
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tlbench.errors import UsageError

if TYPE_CHECKING:
    from tlbench.contract.options import OptionValue

Place = str | os.PathLike[str]


def several(given: Any) -> list[Any]:
    """Return what may be one or several as a list."""
    return [given] if isinstance(given, str | int) else list(given)


def seed_numbers(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of a number or a list. Raises `UsageError` for anything else."""
    try:
        numbers = tuple(map(operator.index, range(seeds) if isinstance(seeds, int) else seeds))
    except TypeError:
        numbers = (-1,)
    if isinstance(seeds, bool) or seeds == 0 or any(number < 0 for number in numbers):
        raise UsageError(f"Invalid seeds {seeds!r}: use a number (3) or a list ([7, 9]).")
    return numbers


def option_values(options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Return the values of options. Raises `UsageError` for a name without its owner, or a value of another type."""
    for name, value in options.items():
        if "." not in name:
            raise UsageError(f'Invalid option "{name}": use OWNER.NAME, such as "finetune.steps".')
        if not isinstance(value, str | int | float | bool | os.PathLike):
            raise UsageError(f'Invalid value {value!r} of the option "{name}": use a number, a text, True or False.')
    return {name: os.fspath(value) if isinstance(value, os.PathLike) else value for name, value in options.items()}


def place_options(options: Mapping[str, OptionValue], **places: Place | None) -> dict[str, str]:
    """Return the options of the user's own data. Raises `UsageError` for a place that is also among the options."""
    given = {f"task.{name}": os.path.expanduser(place) for name, place in places.items() if place is not None}
    if twice := given.keys() & options.keys():
        name = min(twice)
        raise UsageError(f'"{name.partition(".")[2]}" and the option "{name}" are the same: give one of them.')
    return {name: os.fspath(place) for name, place in given.items()}
