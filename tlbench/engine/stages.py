"""What the stages source and adapt compute: functions of specs, arrays and models that know no store."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from tlbench.contract.requests import SELF_LABELLED, AugmentRequest, BuildRequest, RemaskRequest
from tlbench.contract.specs import StrategySpec
from tlbench.contract.task_data import Access
from tlbench.engine.prepared import Prepared
from tlbench.errors import ContractError, UsageError
from tlbench.learning.adapt_request import AdaptRequest, Batch, Remask
from tlbench.learning.data import Array, Examples, Inputs, draw_budget, draw_per_class
from tlbench.learning.device import derive_seed, move, seed_everything
from tlbench.learning.model import TransferModel, device_of, encode, state_hash
from tlbench.planning.plan import Pairing

OnStep = Callable[[int, float], None]
Parts = Mapping[Access, Examples | Inputs]


def build(
    pairing: Pairing, prepared: Prepared, device: str, heads: Sequence[str], pretrained: bool = False
) -> TransferModel:
    """Return a new model with the pairing's encoder and the named heads; torch's seed decides its weights.

    Where `pretrained` is asked for and the backbone has a checkpoint, the encoder has the checkpoint's weights.
    """
    task = pairing.task
    encoder = pairing.backbone.build(_build_request(pairing, prepared, pretrained))
    kinds = {"source": task.kind_of_source, "target": task.kind}
    labels = {"source": prepared.source_labels, "target": prepared.target_labels}
    made = {name: kinds[name].create().head(encoder.feature_dim, labels[name]) for name in heads}
    return move(TransferModel(encoder, made), device)


def _build_request(pairing: Pairing, prepared: Prepared, pretrained: bool) -> BuildRequest:
    files = {role: path for role, path in pairing.files.items() if pretrained or role != "weights"}
    options = pairing.backbone_options
    return BuildRequest(fitted=prepared.fitted, layout=pairing.task.kind.layout, options=options, files=files)


def train_source(pairing: Pairing, prepared: Prepared, device: str, on_step: OnStep) -> TransferModel:
    """Return the source model: as `source_mode` says, trained, probed, or the checkpoint with the head it came with."""
    generator = seed_everything(pairing.seed, "source")
    model = build(pairing, prepared, device, ["source"], pretrained=True)
    speaks = pairing.task.kind_of_source.layout in SELF_LABELLED and pairing.source_mode == "finetune"
    if speaks or pairing.source_mode == "own-head":
        model.heads["source"].load_state_dict(_own_head(pairing, prepared))
    if pairing.source_mode == "own-head":
        return model
    request = AdaptRequest(
        strategy="source",
        model=model,
        fresh=lambda: build(pairing, prepared, device, ["source"]),
        kind=pairing.task.kind_of_source.create(),
        classes=len(prepared.source_labels),
        transductive=True,
        options=pairing.source_options,
        generator=generator,
        on_step=on_step,
        augment=_augment(pairing),
        remask=_remask(pairing, prepared),
        parts={Access.SOURCE: prepared.split("source-train")},
    )
    if pairing.source_mode == "probe":
        features, targets = encode(model, request.source.inputs), request.source.targets.values
        request.kind.probe(features, targets, request.classes).copy_into(model.heads["source"])
    else:
        request.fit(model, request.source, head="source")
    return model


def _own_head(pairing: Pairing, prepared: Prepared) -> dict[str, torch.Tensor]:
    """Return the state of the checkpoint's own head, its outputs in the order of the source labels.

    Raises `UsageError` where it has none, or for other labels: scores of other classes would say nothing.
    """
    name = pairing.backbone.name
    if pairing.backbone.own_head is None:
        raise UsageError(f'"{name}" has no head of its own: use --set source.mode=probe.')
    own = pairing.backbone.own_head(_build_request(pairing, prepared, pretrained=True))
    if set(own.labels) != set(prepared.source_labels):
        raise UsageError(
            f'The own head of "{name}" knows other labels than the source of "{pairing.task.name}" '
            f"({', '.join(own.labels[:3])}, ... and {', '.join(prepared.source_labels[:3])}, ...): "
            f"use --set source.mode=probe."
        )
    place = {label: position for position, label in enumerate(own.labels)}
    order = [place[label] for label in prepared.source_labels]
    return {role: part[order] for role, part in own.head.state_dict().items()}


def adapt(pairing: Pairing, prepared: Prepared, source: TransferModel, on_step: OnStep) -> TransferModel:
    """Return what the strategy made of the source model. Raises `ContractError` where it broke its promise."""
    request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared), on_step)
    before = copy.deepcopy(request.model)
    adapted = pairing.strategy.adapt(request)
    check_promises(pairing.strategy, before, adapted)
    return adapted.eval()


def adapt_request(
    pairing: Pairing, prepared: Prepared, source: TransferModel, parts: Parts, on_step: OnStep
) -> AdaptRequest:
    """Seed torch and return what the strategy is given."""
    generator = seed_everything(pairing.seed, "adapt")
    model = with_target_head(pairing, prepared, source)
    device = str(device_of(model))
    return AdaptRequest(
        strategy=pairing.strategy.name,
        model=model,
        fresh=lambda: build(pairing, prepared, device, ["source", "target"]),
        kind=pairing.task.kind.create(),
        classes=len(prepared.target_labels),
        transductive=pairing.task.setting == "transductive",
        options=pairing.strategy_options,
        generator=generator,
        on_step=on_step,
        augment=_augment(pairing),
        remask=_remask(pairing, prepared),
        parts=parts,
    )


def with_target_head(pairing: Pairing, prepared: Prepared, source: TransferModel) -> TransferModel:
    """Return a copy of the source model with a head `target`: a copy of `source` where the labels agree, else new."""
    model = copy.deepcopy(source)
    if pairing.task.setting == "transductive":
        model.heads["target"] = copy.deepcopy(model.heads["source"])
    else:
        head = pairing.task.kind.create().head(model.encoder.feature_dim, prepared.target_labels)
        model.heads["target"] = head.to(device_of(model))
    return model


def seen_labels(pairing: Pairing, prepared: Prepared) -> Examples | None:
    """Return the target examples whose labels the strategy is given, or None."""
    target = prepared.split("target-train")
    if Access.TARGET_ALL_LABELS in pairing.strategy.access:
        return target
    if Access.TARGET_LABELS in pairing.strategy.access:
        return target.select(_budget(pairing, target))
    return None


def _budget(pairing: Pairing, target: Examples) -> Array:
    """Return the positions of the label budget, which depend on the seed alone."""
    random, budget = np.random.default_rng(derive_seed(pairing.seed, "budget")), pairing.label_budget
    strata = pairing.task.kind.create().strata(target.targets)
    if budget.per_class and budget.size is not None:
        return draw_per_class(strata, budget.size, random)
    return draw_budget(strata, budget.size or len(target), random)


def declared_parts(pairing: Pairing, prepared: Prepared) -> Parts:
    """Return copies of what the strategy declares, and of nothing else."""
    access, target = pairing.strategy.access, prepared.split("target-train")
    order = np.random.default_rng(derive_seed(pairing.seed, "shuffle")).permutation(len(target))
    makers: dict[Access, Callable[[], Examples | Inputs]] = {
        Access.SOURCE: lambda: _copy(prepared.split("source-train")),
        Access.TARGET_LABELS: lambda: target.select(_budget(pairing, target)),
        Access.TARGET_INPUTS: lambda: target.inputs.select(order),
        Access.TARGET_ALL_LABELS: lambda: target.select(order),
    }
    return {part: makers[part]() for part in access}


def _copy(examples: Examples) -> Examples:
    return examples.select(np.arange(len(examples)))


def _augment(pairing: Pairing) -> Callable[[Batch, torch.Generator], Batch]:
    names, vary = pairing.task.augment, pairing.backbone.augment
    if not names or vary is None:
        return lambda batch, generator: batch
    return lambda batch, generator: vary(AugmentRequest(inputs=batch, names=names, generator=generator))


def _remask(pairing: Pairing, prepared: Prepared) -> Remask:
    again, fitted = pairing.backbone.remask, prepared.fitted
    if pairing.task.kind.layout != "masked-token" or again is None:
        return lambda inputs, targets, generator: (inputs, targets)
    return lambda inputs, targets, generator: again(
        RemaskRequest(inputs=inputs, targets=targets, fitted=fitted, generator=generator)
    )


def check_promises(strategy: StrategySpec, before: TransferModel, after: object) -> None:
    """Hold an adapted model against what its strategy declares. Raises `ContractError`."""
    if not isinstance(after, TransferModel) or not {"source", "target"} <= set(after.heads):
        raise ContractError(f'Strategy "{strategy.name}" must return a TransferModel with the heads source and target.')
    shapes, found = ({name: part.shape for name, part in model.state_dict().items()} for model in (before, after))
    if changed := sorted(name for name in shapes.keys() | found.keys() if shapes.get(name) != found.get(name)):
        raise ContractError(
            f'Strategy "{strategy.name}" changed the architecture: {", ".join(changed[:3])}. What it returns must have '
            f"the names and shapes of the model that it was given."
        )
    if not strategy.trains_encoder and state_hash(after.encoder) != state_hash(before.encoder):
        raise ContractError(
            f'Strategy "{strategy.name}" declares trains_encoder=False and changed the encoder: parameters, or buffers '
            f"such as BatchNorm's running statistics, which one pass in training mode moves."
        )
    keeps_source = strategy.from_source and Access.SOURCE not in strategy.access
    if keeps_source and state_hash(after.heads["source"]) != state_hash(before.heads["source"]):
        raise ContractError(f'Strategy "{strategy.name}" changed the head "source" and does not see the source.')
