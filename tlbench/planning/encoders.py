"""What a plan says of an encoder: its options, the files of its checkpoint, and how its source model is trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlbench.contract.backbone_specs import BackboneSpec, Checkpoint
from tlbench.contract.options import Option, OptionValue, training_options
from tlbench.contract.training import SOURCE
from tlbench.errors import UnknownNameError
from tlbench.planning import fingerprints
from tlbench.planning.guard import guarded
from tlbench.planning.overrides import Overrides

SOURCE_OPTIONS = training_options(steps=300, learning_rate=3e-3)
"""How the source model is trained: `--set source.NAME=VALUE`, or `source.NAME` in a backbone's recipe."""
MODES = ("finetune", "probe", "own-head")
SOURCE_MODE = Option(
    name="mode",
    default="finetune",
    summary="how a checkpoint becomes the source model: `finetune` on the source domain, `probe` (a linear head), or "
    "`own-head` (the head of the checkpoint)",
)


def encoder_fields(backbone: BackboneSpec, overrides: Overrides, cache: Path, usable: bool = True) -> dict[str, Any]:
    """Return what a plan says of a backbone; of one that cannot run here no file is read."""
    options = overrides.resolve(("backbone", backbone.name), backbone.options)
    checkpoint = _checkpoint(backbone, options) if usable else None
    return {
        "backbone": backbone,
        "backbone_options": options,
        "checkpoint": checkpoint,
        "weights": fingerprints.checkpoint_hash(checkpoint.files, cache) if checkpoint else "",
    }


def _checkpoint(backbone: BackboneSpec, options: Mapping[str, OptionValue]) -> Checkpoint | None:
    with guarded(f'"checkpoint" of the backbone "{backbone.name}"'):
        return backbone.checkpoint(options) if backbone.checkpoint else None


def source_options(backbone: BackboneSpec, overrides: Overrides) -> dict[str, OptionValue]:
    """Return how the source model is trained. Raises `UnknownNameError` for an unknown mode."""
    options = (*SOURCE_OPTIONS, SOURCE_MODE) if backbone.checkpoint else SOURCE_OPTIONS
    resolved = overrides.resolve(("source",), options, backbone.recipe, training=SOURCE)
    if (mode := resolved.get("mode", "finetune")) not in MODES:
        raise UnknownNameError("source mode", str(mode), MODES)
    return resolved
