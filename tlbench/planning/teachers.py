"""A backbone that teaches: its plan beside that of the strategy which learns from it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.specs import StrategySpec, TaskSpec
from tlbench.errors import UsageError
from tlbench.planning.catalog import Catalog, missing
from tlbench.planning.compatibility import lacking_layout
from tlbench.planning.encoders import encoder_fields, source_options
from tlbench.planning.overrides import Overrides
from tlbench.planning.plan import Pairing
from tlbench.results.files import digest

DIGITS = 12
"""Hex digits that tell teachers of one name from each other, in the option that names one."""


def with_teacher(pairing: Pairing, catalog: Catalog, cache: Path) -> Pairing:
    """Return a pairing with the plan of the backbone that its strategy names, or with the reason why there is none.

    Raises `UsageError` for an unknown backbone, missing files, and another teacher than the one that the name pins.
    """
    strategy, option = pairing.strategy.name, teacher_option(pairing.strategy)
    if not option or pairing.skip:
        return pairing
    name, pinned = _named(str(pairing.strategy_options[option]))
    if not name:
        advice = f"name one with --set {strategy}.{option}=BACKBONE"
        return replace(pairing, skip=f'"{strategy}" learns from another backbone: {advice}.')
    backbone = catalog.backbone(name)
    if reason := _unfit(pairing.task, backbone):
        return replace(pairing, skip=f"No teacher: {reason}")
    teacher = _taught_by(pairing, backbone, cache)
    if not teacher.has_source and not (teacher.checkpoint and teacher.checkpoint.pretrained):
        reason = f'"{name}" has no pre-trained weights, and "{pairing.task.name}" no source domain to train it on.'
        return replace(pairing, skip=f"No teacher: {reason}")
    value = f"{backbone.name}#{_identity(teacher)}"
    if pinned and not value.endswith(f"#{pinned}"):
        raise UsageError(
            f'The teacher is "{value}", but "{name}#{pinned}" was asked for: its weights, options or training are '
            f'others now. Get those back, or leave out "#{pinned}".'
        )
    return replace(pairing, teacher=teacher, strategy_options={**pairing.strategy_options, option: value})


def teacher_option(strategy: StrategySpec) -> str:
    """Return the option that names a backbone to learn from; empty if the strategy has none."""
    return next((option.name for option in strategy.options if option.backbone), "")


def _named(value: str) -> tuple[str, str]:
    """Return the name of a teacher, and the digits that pin it or an empty text."""
    name, mark, digits = value.rpartition("#")
    return (name, digits) if mark and re.fullmatch(f"[0-9a-f]{{{DIGITS}}}", digits) else (value, "")


def _identity(teacher: Pairing) -> str:
    """Return the digits of what a teacher is made of: its weights, its options, and how it is trained."""
    return digest([teacher.weights, teacher.model_options(), teacher.source_options])[:DIGITS]


def _unfit(task: TaskSpec, backbone: BackboneSpec) -> str:
    if backbone.modality != task.modality:
        return f'"{task.name}" has {task.modality} inputs; "{backbone.name}" takes {backbone.modality} inputs.'
    if task.kind.layout != "pooled":
        return f'"{task.name}" has several units of prediction in an example, and a teacher gives one feature of each.'
    return missing(backbone) or lacking_layout(task, backbone)


def _taught_by(pairing: Pairing, backbone: BackboneSpec, cache: Path) -> Pairing:
    """Return the pairing with the teacher as its backbone: with defaults, and a checkpoint as it was published."""
    overrides = Overrides({"source.mode": "probe"}, quick=False)
    trained = source_options(backbone, overrides) if pairing.has_source else {}
    return replace(pairing, source_options=trained, **encoder_fields(backbone, overrides, cache))
