"""Models of a pairing: built new, and read back from the stage that left their weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench.contract.requests import BuildRequest
from tlbench.engine.prepared import Prepared
from tlbench.learning.device import move
from tlbench.learning.model import TransferModel, load_weights
from tlbench.planning.plan import SourcePlan

WEIGHTS = "model.safetensors"
"""The file that the stages source and adapt leave."""


def build(
    plan: SourcePlan, prepared: Prepared, device: str, heads: Sequence[str], pretrained: bool = False
) -> TransferModel:
    """Return a new model with the pairing's encoder and the named heads; torch's seed decides its weights.

    A task without a source has no head `source`, whoever asks for it.

    Where `pretrained` is asked for and the backbone has a checkpoint, the encoder has the checkpoint's weights.
    """
    task = plan.task
    encoder = plan.backbone.build(build_request(plan, prepared, pretrained))
    kinds = {"source": task.kind_of_source, "target": task.kind}
    labels = {"source": prepared.source_labels, "target": prepared.target_labels}
    there = {name: of for name in heads if (of := labels[name]) is not None}
    made = {name: kinds[name].create().head(encoder.feature_dim, of) for name, of in there.items()}
    return move(TransferModel(encoder, made), device)


def build_request(plan: SourcePlan, prepared: Prepared, pretrained: bool) -> BuildRequest:
    """Return what the encoder is built from; its files hold weights where `pretrained` asks for them."""
    # Other roles, such as a configuration, shape the architecture and are needed either way.
    files = {role: path for role, path in plan.files.items() if pretrained or role != "weights"}
    options = plan.backbone_options
    return BuildRequest(fitted=prepared.fitted, layout=plan.task.kind.layout, options=options, files=files)


def read_model(plan: SourcePlan, prepared: Prepared, device: str, folder: Path, *heads: str) -> TransferModel:
    """Return the model that a stage left in its folder, in evaluation mode."""
    # Built at random: the weights of the checkpoint would only be overwritten.
    return load_weights(build(plan, prepared, device, heads), folder / WEIGHTS).eval()
