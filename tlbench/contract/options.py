"""Settings that tasks, backbones and strategies declare and users change."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from tlbench.errors import ContractError, UsageError

OptionValue = str | int | float | bool
"""What an option may hold."""
_TAKES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


@dataclass(frozen=True, kw_only=True)
class Option:
    """A setting that a user may change with `--set OWNER.NAME=VALUE`."""

    name: str
    """What stands after the owner's name and a dot: letters, digits and `_`."""
    default: OptionValue
    """Its type is the type that values are read as."""
    summary: str
    """A few words on what it sets."""
    unit: str = ""
    """What a number counts or is measured in."""
    by_trait: Mapping[str, OptionValue] = field(default_factory=lambda: MappingProxyType({}))
    """Of a task: the default beside a backbone that has a trait, by trait."""
    least: float | None = None
    """The smallest number that makes sense; None: any."""
    most: float | None = None
    """The largest number that makes sense; None: any."""
    tune: float = 0.0
    """Of a number of a strategy: `--tune` tries values between the default divided and multiplied by this, on a
    logarithmic scale; 0: it is not tuned."""
    backbone: bool = False
    """Of a strategy: the value names another backbone, whose features of the target's examples the strategy is given as
    `AdaptRequest.teacher`; the host adds `#` and a hash of what that is made of. A run without a name is skipped."""
    in_recipes: bool = False
    """Of a strategy: whether recipes of backbones may give a better default, as for those of `training_options`."""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ContractError(f'Invalid option name "{self.name}": use letters, digits and _, as in "learning_rate".')
        if self.backbone and self.default != "":
            raise ContractError(f'The option "{self.name}" names a backbone of the user\'s: its default must be "".')

    def default_for(self, traits: Collection[str]) -> OptionValue:
        """Return the default beside a backbone of these traits."""
        return next((value for trait, value in self.by_trait.items() if trait in traits), self.default)

    def parse(self, value: OptionValue) -> OptionValue:
        """Return the value as the default's type. Raises `UsageError` when it cannot be read so."""
        kind = type(self.default)
        try:
            if kind is bool:
                return {"true": True, "false": False}[str(value).lower()]
            if kind is int and float(value) != int(float(value)):
                raise ValueError
            parsed = int(float(value)) if kind is int else kind(value)
            if isinstance(parsed, float) and not math.isfinite(parsed):
                raise ValueError
            if self.least is not None and isinstance(parsed, int | float) and parsed < self.least:
                raise UsageError(f'Invalid value "{value}" for the option "{self.name}": use {self.least:g} or more.')
            if self.most is not None and isinstance(parsed, int | float) and parsed > self.most:
                raise UsageError(f'Invalid value "{value}" for the option "{self.name}": use {self.most:g} or less.')
            return parsed
        except (ValueError, KeyError, OverflowError):
            raise UsageError(f'Invalid value "{value}" for the option "{self.name}": use {_TAKES[kind]}.') from None


PARTIAL = Option(
    name="partial",
    default=False,
    summary="load a checkpoint that fits only in part; the rest starts at random, and results say how much was loaded",
)
"""What a backbone whose checkpoint `load_into` reads has among its options."""
CHECKPOINT_KEY = Option(
    name="key",
    default="",
    summary="which of several sets of weights in a file: its key or the beginning of its names, such as `teacher`",
)
"""What a backbone whose checkpoint `read_weights` reads has among its options."""

SPLIT_OPTIONS = (
    Option(
        name="group",
        default="",
        summary="column of groups, such as patients or speakers; each is held out as a whole, and intervals draw whole "
        "groups (optional)",
    ),
    Option(
        name="time",
        default="",
        summary="column of times, numbers or ISO dates; the latest fifth is the test split (optional)",
    ),
)
"""What a task on a user's tables, or files that a table lists, has among its options; `class_sides` reads them."""


IMAGE_TRANSFORMATIONS = (
    "affine",
    "rotate",
    "zoom",
    "crop",
    "rot90",
    "flip",
    "flip-vertical",
    "noise",
    "light",
    "colour",
)
"""What `tlbench.learning.vary_images` can do."""
AUGMENT_OPTION = Option(
    name="augment",
    default="",
    summary="transformations that keep the labels of your images, in place of the task's own, such as flip,noise; any "
    f"of {', '.join(IMAGE_TRANSFORMATIONS)}. Masks move with their images. How far: --augment",
)
"""What a task of images has among its options if users may say how training batches are varied; the host reads it."""


def training_options(
    *, steps: int, learning_rate: float, batch_size: int = 64, weight_decay: float = 1e-4
) -> tuple[Option, ...]:
    """Return the options that `AdaptRequest.batches` and `AdaptRequest.train` read."""
    named = (
        Option(name="steps", default=steps, summary="optimiser steps", unit="steps", least=0),
        Option(name="learning_rate", default=learning_rate, summary="peak learning rate of AdamW", least=0, tune=10),
        Option(name="batch_size", default=batch_size, summary="examples in a batch", unit="examples", least=1),
        Option(name="weight_decay", default=weight_decay, summary="weight decay of AdamW", least=0),
    )
    return tuple(replace(option, in_recipes=True) for option in named)
