"""What the stage adapt computes: the firewall before a strategy, and the promises that hold behind it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from tlbench.contract.editions import note_place, two_parts
from tlbench.contract.options import OptionValue
from tlbench.contract.requests import Augment
from tlbench.contract.specs import KindSpec, StrategySpec
from tlbench.engine.given import Parts, declared_parts, labels_trained
from tlbench.engine.models import LabelVectors, blueprint, build_request, extended
from tlbench.engine.prepared import Prepared
from tlbench.engine.rules import chooser
from tlbench.engine.stage import OnStep
from tlbench.errors import ContractError, NotApplicable
from tlbench.learning.adapt_request import AdaptRequest, Domain, Teacher
from tlbench.learning.arithmetic import FP32, Arithmetic
from tlbench.learning.batch import Augmentation, Remasking
from tlbench.learning.choosing import Chooser, choosing_by
from tlbench.learning.data import Examples, Inputs
from tlbench.learning.device import DeviceClock, seed_everything
from tlbench.learning.heads import ScaledLinear
from tlbench.learning.kinds.protocol import Kind
from tlbench.learning.model import TransferModel, changed_parameters, device_of
from tlbench.learning.progress import LossCurve, listening
from tlbench.learning.snapshots import Recorder, recording
from tlbench.learning.trainer import Trainer
from tlbench.planning.plan import Pairing, SourcePlan

ONE_VALUE = "Expected more than 1 value per channel when training"
"""What torch says of a batch with one example in BatchNorm."""
READ_BACK = 8
"""Examples on which a model is compared with the one that is read back."""


class Adapted(NamedTuple):
    """What a strategy made of the source model."""

    model: TransferModel
    """In evaluation mode."""
    trained_parameters: int
    """Values in tensors that were given to an optimiser, with those of a changed target head; without an optimiser, in
    tensors that changed."""
    training_labels: int | None
    """Target labels that were left to train on, if the selection rule set some aside."""
    device_seconds: float | None
    """Seconds of the CUDA device that the strategy took; None on the CPU."""
    training_loss: tuple[float, ...]
    """Mean losses of equal parts of its training steps."""


def adapt(
    pairing: Pairing,
    prepared: Prepared,
    source: TransferModel,
    on_step: OnStep,
    arithmetic: Arithmetic = FP32,
    recorder: Recorder | None = None,
) -> Adapted:
    """Return what the strategy made of the source model. Raises `ContractError` where it broke its promise.

    A recorder takes snapshots of the model while it is trained.
    """
    parts = declared_parts(pairing, prepared)
    request = adapt_request(pairing, prepared, source, parts, arithmetic)
    # The strategy may train the very model that it is given: promises are checked against a copy.
    before = copy.deepcopy(request.model)
    choosing = chooser(pairing, prepared, parts, request.model)
    curve = LossCurve(on_step)
    with listening(curve), recording(recorder, request.model), DeviceClock(request.trainer.device) as clock:
        model = call(pairing.strategy, request, choosing)
    check_promises(pairing.strategy, before, model)
    check_read_back(pairing, prepared, model.eval(), request.fresh)
    trained = _trained(request.trainer, before, model)
    return Adapted(model.eval(), trained, labels_trained(parts), clock.seconds, curve.means())


def call(strategy: StrategySpec, request: AdaptRequest, choosing: Chooser | None) -> TransferModel:
    """Return what a strategy makes of its request, while the host chooses among the models of its trainings.

    A batch that is taken for a pair gets a message that helps.
    """
    try:
        with choosing_by(choosing):
            return strategy.adapt(request)
    # A strategy may raise anything; the error is raised again, with the line of the strategy that raised it.
    except Exception as error:
        if old := two_parts(error):
            raise old from error
        if isinstance(error, ValueError) and ONE_VALUE in str(error):
            raise NotApplicable(
                "Batch normalisation needs two examples in a batch, and a batch had one: use a larger --label-budget "
                "or batch_size."
            ) from error
        note_place(error)
        raise


def _trained(trainer: Trainer, before: TransferModel, after: TransferModel) -> int:
    if not trainer.trained_values:
        return changed_parameters(before, after)
    old = dict(before.heads["target"].named_parameters())
    head = after.heads["target"].named_parameters()
    changed = [value for name, value in head if name not in old or not torch.equal(value, old[name])]
    return trainer.trained_values + sum(value.numel() for value in changed if not trainer.holds(value))


def adapt_request(
    pairing: Pairing, prepared: Prepared, source: TransferModel, parts: Parts, arithmetic: Arithmetic = FP32
) -> AdaptRequest:
    """Seed torch and return what the strategy is given."""
    generator = seed_everything(pairing.seed, "adapt")
    model = with_target_head(pairing, prepared, source).eval()
    _settle(model.heads["target"], parts.get("target.train"))
    task, strategy, device = pairing.task, pairing.strategy, device_of(model)
    given = _for_strategy(pairing, parts)

    def domain(name: str, kind: KindSpec, metric: str, labels: tuple[str, ...]) -> Domain:
        return Domain(
            name=name,
            strategy=strategy.name,
            kind=kind.create(),
            labels=labels,
            metric=metric,
            traits=kind.traits,
            parts=given,
        )

    target = domain("target", task.kind, task.metric, prepared.target_labels)
    teacher = None if prepared.taught is None else Teacher(strategy=strategy.name, parts=given)
    origin = None
    if prepared.source_labels is not None:
        origin = domain("source", task.kind_of_source, task.metric_of_source, prepared.source_labels)
    kinds = {side.name: side.kind for side in (origin, target) if side is not None}
    encode = pairing.backbone.encode_labels
    return AdaptRequest(
        model=model,
        fresh=blueprint(pairing, prepared, str(device), prepared.heads, extension=pairing.extension),
        source=origin,  # type: ignore[arg-type]
        target=target,
        teacher=teacher,  # type: ignore[arg-type]
        trainer=make_trainer(
            pairing,
            prepared,
            strategy.name,
            kinds,
            pairing.strategy_options,
            generator,
            device,
            arithmetic,
            pairing.strength,
        ),
        selection=strategy.selection,
        label_vectors=encode and LabelVectors(encode=encode, request=build_request(pairing, prepared, pretrained=True)),
    )


def _for_strategy(pairing: Pairing, parts: Parts) -> Parts:
    """Return the parts without what the host chooses by: that is not the strategy's."""
    if not (pairing.host_rule and any(name.endswith(".validation") for name in parts)):
        return parts
    return {name: part for name, part in parts.items() if not name.endswith(".validation")}


def make_trainer(
    plan: SourcePlan,
    prepared: Prepared,
    owner: str,
    kinds: Mapping[str, Kind],
    options: Mapping[str, OptionValue],
    generator: torch.Generator,
    device: torch.device,
    arithmetic: Arithmetic,
    strength: Augment | None,
) -> Trainer:
    """Return what trains with these options; it holds functions of the backbone, and no data of the task."""
    masked = plan.task.kind.layout == "masked-token"
    return Trainer(
        owner=owner,
        kinds=kinds,
        options=options,
        generator=generator,
        device=device,
        arithmetic=arithmetic,
        augmentation=Augmentation(
            names=plan.transformations,
            vary=plan.backbone.augment,
            on_device=plan.backbone.augments_on_device,
            fitted=prepared.fitted,
            usual=strength,
        ),
        remasking=Remasking(remask=plan.backbone.remask if masked else None, fitted=prepared.fitted),
    )


def with_target_head(pairing: Pairing, prepared: Prepared, source: TransferModel) -> TransferModel:
    """Return a copy of the source model with a head `target`, extended as the strategy says.

    The head is a copy of `source` where the labels agree, else new.
    """
    model = copy.deepcopy(source)
    # The labels agree, so that the source head is the best start there is.
    if pairing.setting == "transductive":
        model.heads["target"] = copy.deepcopy(model.heads["source"])
    else:
        head = pairing.task.kind.create().head(model.encoder.feature_dim, prepared.target_labels)
        model.heads["target"] = head.to(device_of(model))
    return extended(model, pairing.extension)


def _settle(head: nn.Module, budget: Examples | Inputs | None) -> None:
    """Give a new head of numbers the scale of the label budget, as `fit` does: a loss of a strategy's own cannot."""
    if isinstance(budget, Examples):
        for part in head.modules():
            if isinstance(part, ScaledLinear):
                part.settle(budget.targets.values)


def check_promises(strategy: StrategySpec, before: TransferModel, after: object) -> None:
    """Check an adapted model against the declarations of its strategy. Raises `ContractError`."""
    heads = set(before.heads)
    if not isinstance(after, TransferModel) or not heads <= set(after.heads):
        raise ContractError(
            f'Strategy "{strategy.name}" must return a TransferModel with the heads {" and ".join(sorted(heads))}.'
        )
    shapes, found = ({name: part.shape for name, part in model.state_dict().items()} for model in (before, after))
    if changed := sorted(name for name in shapes.keys() | found.keys() if shapes.get(name) != found.get(name)):
        raise ContractError(
            f'Strategy "{strategy.name}" changed the architecture: {", ".join(changed[:3])}. Return a model with the '
            f"same names and shapes as the given one, or change the architecture in `extend` of the spec."
        )
    # Exact, not nearly: rows of frozen encoders share features, and say that nothing was forgotten.
    if not strategy.trains_encoder and (moved := _moved(before.encoder, after.encoder)):
        raise ContractError(
            f'Strategy "{strategy.name}" declares trains_encoder=False but changed {moved} of the encoder. Parameters '
            f"change if it is trained, buffers such as BatchNorm statistics in each forward pass in training mode."
        )


def check_read_back(
    pairing: Pairing, prepared: Prepared, model: TransferModel, build: Callable[[], TransferModel]
) -> None:
    """Check that a model is held by its weights: another one with the same weights must give the same outputs.

    What is exported and scored is read back from weights. Of an extended model, the outputs of an example must not
    depend on its batch either, for a batch of test inputs would tell of one another. Raises `ContractError`.
    """
    inputs = prepared.split("target-train").inputs
    batch = tuple(part.to(device_of(model)) for part in inputs.batch(np.arange(min(READ_BACK, len(inputs)))))
    with torch.no_grad(), torch.random.fork_rng([]):
        again = build().eval()
        again.load_state_dict(model.state_dict())
        expected = model(*batch).units
        if _differ(again(*batch).units, expected):
            raise ContractError(
                f'Strategy "{pairing.strategy.name}" returned a model that its weights do not hold: read back, it '
                f"gives other outputs. Change modules in `extend` of the spec, by structure and options alone; keep "
                f"what is learnt in parameters and buffers."
            )
        if pairing.extension and _differ(model(*(part[:1] for part in batch))[:1].units, model(*batch)[:1].units):
            raise ContractError(
                f'`extend` of the strategy "{pairing.strategy.name}" makes the outputs of an example depend on its '
                f"batch: in evaluation mode each example must count for itself."
            )


def _differ(outputs: Tensor, expected: Tensor) -> bool:
    """Return whether outputs differ by more than rounding; outputs that are not finite fail later, at the export."""
    if outputs.shape != expected.shape:
        return True
    if not torch.isfinite(expected).all():
        return False
    largest = expected.abs().max().clamp(min=1e-6)
    return bool((outputs - expected).abs().max() > 1e-3 * largest)


def _moved(before: nn.Module, after: nn.Module) -> str:
    """Return the first parameter or buffer that differs in some bit, or an empty string."""
    now = after.state_dict()
    return next(
        (name for name, was in before.state_dict().items() if not torch.equal(_bits(was), _bits(now[name]))), ""
    )


def _bits(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().flatten().view(torch.uint8)
