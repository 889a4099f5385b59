"""A backbone that teaches: its plan beside that of the strategy which learns from it."""

from __future__ import annotations

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

DIGITS = 12
"""Hex digits of the hash of a teacher's weights in the option that names it."""


def with_teacher(pairing: Pairing, catalog: Catalog, cache: Path) -> Pairing:
    """Return a pairing with the plan of the backbone that its strategy names, or with the reason why there is none.

    Raises `UsageError` for an unknown backbone, missing files, and other weights than those that the name pins.
    """
    strategy, option = pairing.strategy.name, teacher_option(pairing.strategy)
    if not option or pairing.skip:
        return pairing
    name, _, pinned = str(pairing.strategy_options[option]).partition("#")
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
    weights = teacher.weights[:DIGITS]
    if pinned and pinned != weights:
        raise UsageError(
            f'The weights of the teacher "{name}" have the hash "{weights}", but {pinned} was asked for: get those '
            f'weights, or leave out "#{pinned}".'
        )
    value = "#".join(filter(None, (backbone.name, weights)))
    return replace(pairing, teacher=teacher, strategy_options={**pairing.strategy_options, option: value})


def teacher_option(strategy: StrategySpec) -> str:
    """Return the option that names a backbone to learn from; empty if the strategy has none."""
    return next((option.name for option in strategy.options if option.backbone), "")


def _unfit(task: TaskSpec, backbone: BackboneSpec) -> str:
    if backbone.modality != task.modality:
        return f'"{task.name}" has {task.modality} inputs; "{backbone.name}" takes {backbone.modality} inputs.'
    return missing(backbone) or lacking_layout(task, backbone)


def _taught_by(pairing: Pairing, backbone: BackboneSpec, cache: Path) -> Pairing:
    """Return the pairing with the teacher as its backbone: with defaults, and a checkpoint as it was published."""
    overrides = Overrides({"source.mode": "probe"}, quick=False)
    trained = source_options(backbone, overrides) if pairing.has_source else {}
    return replace(pairing, source_options=trained, **encoder_fields(backbone, overrides, cache))
