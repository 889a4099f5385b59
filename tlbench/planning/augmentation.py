"""How far training batches are varied: the strengths that a user names with `--augment`, and whom they concern."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal, cast, get_args

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.options import AUGMENT_OPTION, IMAGE_TRANSFORMATIONS, OptionValue
from tlbench.contract.requests import Augment
from tlbench.contract.specs import StrategySpec, TaskSpec
from tlbench.errors import UnknownNameError, UsageError

Named = Augment | Literal[""]
"""A strength, or an empty string for the task's own."""
STRENGTHS: tuple[Augment, ...] = get_args(Augment)


def named_strengths(asked: Sequence[str]) -> list[Augment]:
    """Return the strengths of a request, each once. Raises `UnknownNameError`."""
    names = [name.strip() for text in asked for name in text.split(",")]
    for name in names:
        if name not in STRENGTHS:
            raise UnknownNameError("augmentation", name, list(STRENGTHS))
    return cast("list[Augment]", list(dict.fromkeys(names)))


def with_named(task: TaskSpec, options: Mapping[str, OptionValue]) -> TaskSpec:
    """Return a task with the transformations that its option `augment` names, if it has one and that is set."""
    if AUGMENT_OPTION not in task.options or not (named := str(options.get(AUGMENT_OPTION.name, ""))):
        return task
    names = (name.strip() for name in named.split(","))
    return replace(task, augment=tuple(dict.fromkeys(name for name in names if name)))


def check_named(task: TaskSpec, options: Mapping[str, OptionValue]) -> None:
    """Raise `UnknownNameError` for an option `augment` that names a transformation which does not exist."""
    for name in with_named(task, options).augment:
        if name not in (*task.augment, *IMAGE_TRANSFORMATIONS):
            raise UnknownNameError("transformation", name, IMAGE_TRANSFORMATIONS)


def check_varies(
    task: TaskSpec,
    named: TaskSpec,
    backbone: BackboneSpec,
    strategies: Iterable[StrategySpec],
    asked: Sequence[Augment],
) -> None:
    """Raise `UsageError` if transformations are named, and no strategy varies anything with the usual strength."""
    views = any("two-views" in strategy.needs for strategy in strategies)
    if named is not task and not asked and not views and usual_strength(named, backbone) == "none":
        raise UsageError('The option "augment" changes nothing with the strength "none": add --augment weak or strong.')


def usual_strength(task: TaskSpec, backbone: BackboneSpec) -> Augment:
    """Return how far training batches of a task are varied for a backbone unless the user says otherwise."""
    return task.augment_strength if task.augment and backbone.augment else "none"


def strengths_of(
    strategy: StrategySpec, task: TaskSpec, backbone: BackboneSpec, asked: Sequence[Augment]
) -> list[Named]:
    """Return the strengths that a strategy runs with: the task's own, by an empty string, if it varies no batches.

    The task's own is an empty string also if it is named: it is the same run, with the same key.
    """
    if not asked or not strategy.augments:
        return [""]
    usual = usual_strength(task, backbone)
    return list(dict.fromkeys("" if one == usual else one for one in asked))


def cannot_vary(task: TaskSpec, backbone: BackboneSpec, strength: Named) -> str:
    """Return why training batches cannot be varied with a strength that was named, or an empty string."""
    if strength in ("", "none") or (task.augment and backbone.augment):
        return ""
    why = (
        f'"{backbone.name}" has no `augment`'
        if task.augment
        else f'"{task.name}" names no transformations in `augment`'
    )
    return f"Training batches cannot be varied ({strength}): {why}. Use --augment none."


def identity_of(select: str, strength: Named) -> list[str]:
    """Return what a key holds of a rule and a strength that the user named; of defaults it holds nothing."""
    return [*([select] if select else []), *([f"augment={strength}"] if strength else [])]
