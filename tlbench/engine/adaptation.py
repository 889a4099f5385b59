"""What the stage adapt computes: the firewall before a strategy, and the promises that hold behind it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from tlbench.contract.requests import AugmentRequest, RemaskRequest
from tlbench.contract.specs import StrategySpec
from tlbench.contract.task_data import Access, Array
from tlbench.engine.label_budget import budget_positions
from tlbench.engine.models import build
from tlbench.engine.prepared import Prepared
from tlbench.engine.stage import OnStep
from tlbench.errors import ContractError
from tlbench.learning.adapt_request import AdaptRequest, Batch, Remask
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.device import derive_seed, seed_everything
from tlbench.learning.model import TransferModel, device_of, state_hash
from tlbench.planning.plan import Pairing, SourcePlan

Parts = Mapping[Access, Examples | Inputs]


def adapt(pairing: Pairing, prepared: Prepared, source: TransferModel, on_step: OnStep) -> TransferModel:
    """Return what the strategy made of the source model. Raises `ContractError` where it broke its promise."""
    request = adapt_request(pairing, prepared, source, declared_parts(pairing, prepared), on_step)
    # The strategy may train the very model that it is given: promises are checked against a copy.
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
        fresh=lambda: build(pairing, prepared, device, list(prepared.heads)),
        kind=pairing.task.kind.create(),
        classes=len(prepared.target_labels),
        transductive=pairing.setting == "transductive",
        options=pairing.strategy_options,
        generator=generator,
        on_step=on_step,
        augment=augmentation(pairing),
        remask=remasking(pairing, prepared),
        parts=parts,
    )


def with_target_head(pairing: Pairing, prepared: Prepared, source: TransferModel) -> TransferModel:
    """Return a copy of the source model with a head `target`: a copy of `source` where the labels agree, else new."""
    model = copy.deepcopy(source)
    # The labels agree, so that the source head is the best start there is.
    if pairing.setting == "transductive":
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


def labels_given(pairing: Pairing, prepared: Prepared) -> dict[str, Any]:
    """Return how many labels the budget came to, where that was not said by it, or there were not as many."""
    if Access.TARGET_LABELS not in pairing.strategy.access:
        return {}
    asked, given = pairing.label_budget, len(seen_labels(pairing, prepared) or ())
    return {} if given == asked.total else {"label_budget": given, "budget_rule": str(asked)}


def _budget(pairing: Pairing, target: Examples) -> Array:
    """Return the positions of the label budget, which depend on the seed alone."""
    return budget_positions(pairing.task.kind, target.targets, pairing.seed, pairing.label_budget)


def declared_parts(pairing: Pairing, prepared: Prepared) -> Parts:
    """Return copies of what the strategy declares, and of nothing else."""
    access, target = pairing.strategy.access, prepared.split("target-train")
    # Data sets often come sorted by label: unshuffled, the order of inputs alone would tell the labels.
    order = np.random.default_rng(derive_seed(pairing.seed, "shuffle")).permutation(len(target))
    # Functions, so that what is not declared is not even read from disk.
    makers: dict[Access, Callable[[], Examples | Inputs]] = {
        Access.SOURCE: lambda: _copy(prepared.split("source-train")),
        Access.TARGET_LABELS: lambda: target.select(_budget(pairing, target)),
        Access.TARGET_INPUTS: lambda: target.inputs.select(order),
        Access.TARGET_ALL_LABELS: lambda: target.select(order),
    }
    return {part: makers[part]() for part in access}


def _copy(examples: Examples) -> Examples:
    return examples.select(np.arange(len(examples)))


def augmentation(plan: SourcePlan) -> Callable[[Batch, torch.Generator], Batch]:
    """Return what varies training batches by the transformations that keep the task's labels."""
    names, vary = plan.task.augment, plan.backbone.augment
    if not names or vary is None:
        return lambda batch, generator: batch
    return lambda batch, generator: vary(AugmentRequest(inputs=batch, names=names, generator=generator))


def remasking(plan: SourcePlan, prepared: Prepared) -> Remask:
    """Return what masks other places of training batches of masked texts."""
    again, fitted = plan.backbone.remask, prepared.fitted
    if plan.task.kind.layout != "masked-token" or again is None:
        return lambda inputs, targets, generator: (inputs, targets)
    return lambda inputs, targets, generator: again(
        RemaskRequest(inputs=inputs, targets=targets, fitted=fitted, generator=generator)
    )


def check_promises(strategy: StrategySpec, before: TransferModel, after: object) -> None:
    """Check an adapted model against the declarations of its strategy. Raises `ContractError`."""
    # A task without a source has the head `target` alone.
    if not isinstance(after, TransferModel) or not {*before.heads, "target"} <= set(after.heads):
        wanted = " and ".join(sorted({*before.heads, "target"}))
        raise ContractError(f'Strategy "{strategy.name}" must return a TransferModel with the heads {wanted}.')
    shapes, found = ({name: part.shape for name, part in model.state_dict().items()} for model in (before, after))
    if changed := sorted(name for name in shapes.keys() | found.keys() if shapes.get(name) != found.get(name)):
        raise ContractError(
            f'Strategy "{strategy.name}" changed the architecture: {", ".join(changed[:3])}. Return a model with the '
            f"same names and shapes as the given one."
        )
    # Exact, not nearly: rows of frozen encoders share features, and say that nothing was forgotten.
    if not strategy.trains_encoder and state_hash(after.encoder) != state_hash(before.encoder):
        raise ContractError(
            f'Strategy "{strategy.name}" declares trains_encoder=False but changed parameters or buffers of the '
            f"encoder, such as BatchNorm statistics, which a forward pass in training mode updates."
        )
    keeps_source = "source" in before.heads and strategy.from_source and Access.SOURCE not in strategy.access
    if keeps_source and state_hash(after.heads["source"]) != state_hash(before.heads["source"]):
        raise ContractError(f'Strategy "{strategy.name}" changed the head "source" without access to source data.')
