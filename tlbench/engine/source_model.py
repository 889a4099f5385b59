"""What the stage source computes: the model that every strategy starts from."""

from __future__ import annotations

import torch

from tlbench.contract.requests import SELF_LABELLED
from tlbench.engine.adaptation import make_trainer
from tlbench.engine.given import source_training
from tlbench.engine.models import build, build_request
from tlbench.engine.prepared import Prepared
from tlbench.engine.stage import OnStep
from tlbench.errors import UsageError
from tlbench.learning.arithmetic import FP32, Arithmetic
from tlbench.learning.device import seed_everything
from tlbench.learning.model import TransferModel, device_of, encode
from tlbench.learning.progress import listening
from tlbench.planning.plan import SourcePlan


def train_source(
    plan: SourcePlan, prepared: Prepared, device: str, on_step: OnStep, arithmetic: Arithmetic = FP32
) -> TransferModel:
    """Return the source model: as `source_mode` says, trained, probed, or the checkpoint with the head it came with.

    Without a source it is the encoder as it starts: of the checkpoint, else random.
    """
    generator = seed_everything(plan.seed, "source")
    model = build(plan, prepared, device, ["source"], pretrained=True)
    if prepared.source_labels is None:
        return model
    # A language model's head is a part of what was pre-trained: a new one would have to learn every word again.
    speaks = plan.task.kind_of_source.layout in SELF_LABELLED and plan.source_mode == "finetune"
    if speaks or plan.source_mode == "own-head":
        model.heads["source"].load_state_dict(_own_head(plan, prepared))
    if plan.source_mode == "own-head":
        return model
    kind, examples = plan.task.kind_of_source.create(), source_training(plan, prepared)
    if plan.source_mode == "probe":
        features, targets = encode(model, examples.inputs), examples.targets.values
        kind.probe(features, targets, len(prepared.source_labels)).copy_into(model.heads["source"])
        return model
    kinds = {"source": kind}
    place = device_of(model)
    # The same for every strength that is compared: what is adapted must not differ.
    strength = plan.task.augment_strength
    trainer = make_trainer(plan, prepared, "source", kinds, plan.source_options, generator, place, arithmetic, strength)
    with listening(on_step):
        trainer.fit(model, examples, head="source")
    return model


def _own_head(plan: SourcePlan, prepared: Prepared) -> dict[str, torch.Tensor]:
    """Return the state of the checkpoint's own head, its outputs in the order of the source labels.

    Of a checkpoint with more labels, the head has those of the source alone. Raises `UsageError` if it has none, or if
    the source has another label: its scores would be meaningless.
    """
    name = plan.backbone.name
    assert prepared.source_labels is not None
    if plan.backbone.own_head is None:
        raise UsageError(f'"{name}" has no own head: use --set source.mode=probe.')
    own = plan.backbone.own_head(build_request(plan, prepared, pretrained=True))
    # The checkpoint's order of classes is its own.
    place = {label: position for position, label in enumerate(own.labels)}
    labels = [own.aliases.get(label, label) for label in prepared.source_labels]
    if unknown := [known for label, known in zip(labels, prepared.source_labels, strict=True) if label not in place]:
        raise UsageError(
            f'The own head of "{name}" lacks labels of the source domain of "{plan.task.name}" '
            f"({', '.join(unknown[:3])}; it has {', '.join(own.labels[:3])}, ...): use --set source.mode=probe."
        )
    if len(set(labels)) < len(set(prepared.source_labels)):
        raise UsageError(
            f'Several labels of the source domain of "{plan.task.name}" are the same class of "{name}": join them, or '
            f"use --set source.mode=probe."
        )
    order = [place[label] for label in labels]
    return {role: part[order] for role, part in own.head.state_dict().items()}
