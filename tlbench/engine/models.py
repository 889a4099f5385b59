"""Models of a pairing: built new, and read back from the stage that left their weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tlbench.contract.requests import BuildRequest, LabelsRequest
from tlbench.contract.task_data import Array
from tlbench.engine.prepared import Prepared
from tlbench.errors import ContractError
from tlbench.learning.arithmetic import Arithmetic
from tlbench.learning.device import derive_seed, move
from tlbench.learning.model import Encoder, TransferModel, device_of, load_weights
from tlbench.learning.signature import Signature, input_specs
from tlbench.planning.plan import Pairing, SourcePlan
from tlbench.planning.plan_parts import Extension
from tlbench.planning.settings import Settings

WEIGHTS = "model.safetensors"
"""The file that the stages source and adapt leave."""


def arithmetic(settings: Settings) -> Arithmetic:
    """Return how training computes under settings."""
    return Arithmetic(
        precision=settings.training_precision,
        accumulation_steps=settings.accumulation_steps,
        compiled=settings.compiled,
    )


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """Builds a pairing's model. It holds what the architecture depends on, and no data: strategies are given it."""

    build: Callable[[BuildRequest], Encoder]
    request: BuildRequest
    heads: Mapping[str, Callable[[int], nn.Module]]
    """Feature width -> head, by the head's name."""
    extension: Extension | None
    device: str
    signature: Signature

    def __call__(self) -> TransferModel:
        """Return a new model; torch's seed decides its weights."""
        encoder = self.build(self.request)
        encoder.signature = self.signature
        made = {name: head(encoder.feature_dim) for name, head in self.heads.items()}
        return extended(move(TransferModel(encoder, made), self.device), self.extension)


@dataclass(frozen=True)
class NewHead:
    """Makes the head that a kind asks for."""

    create: Callable[[], object]
    labels: tuple[str, ...]

    def __call__(self, features: int) -> nn.Module:
        return self.create().head(features, self.labels)  # type: ignore[attr-defined, no-any-return]


@dataclass(frozen=True, kw_only=True)
class LabelVectors:
    """Asks a backbone for vectors of label names."""

    encode: Callable[[LabelsRequest], Array]
    request: BuildRequest

    def __call__(self, encoder: Encoder, names: Sequence[str]) -> Array:
        """Return `(C, D)` float32."""
        base = self.request
        wanted = LabelsRequest(
            names=tuple(names),
            encoder=encoder,
            fitted=base.fitted,
            layout=base.layout,
            options=base.options,
            files=base.files,
        )
        return self.encode(wanted)


def blueprint(
    plan: SourcePlan,
    prepared: Prepared,
    device: str,
    heads: Sequence[str],
    pretrained: bool = False,
    extension: Extension | None = None,
) -> Blueprint:
    """Return what builds a model with the pairing's encoder and the named heads.

    A task without a source has no head `source`, whoever asks for it.

    Where `pretrained` is asked for and the backbone has a checkpoint, the encoder has the checkpoint's weights.
    """
    kinds = {"source": plan.task.kind_of_source, "target": plan.task.kind}
    labels = {"source": prepared.source_labels, "target": prepared.target_labels}
    return Blueprint(
        build=plan.backbone.build,
        request=build_request(plan, prepared, pretrained),
        heads={name: NewHead(kinds[name].create, of) for name in heads if (of := labels[name]) is not None},
        extension=extension,
        device=device,
        signature=Signature(
            modality=prepared.modality,
            layout=plan.task.kind.layout,
            inputs=input_specs(prepared.split("target-train").inputs),
            sample_rate=prepared.sample_rate,
        ),
    )


def build(
    plan: SourcePlan, prepared: Prepared, device: str, heads: Sequence[str], pretrained: bool = False
) -> TransferModel:
    """Return a new model; torch's seed decides its weights."""
    return blueprint(plan, prepared, device, heads, pretrained)()


def build_request(plan: SourcePlan, prepared: Prepared, pretrained: bool) -> BuildRequest:
    """Return what the encoder is built from; its files hold weights where `pretrained` asks for them."""
    # Other roles, such as a configuration, shape the architecture and are needed either way.
    files = {role: path for role, path in plan.files.items() if pretrained or role != "weights"}
    options = plan.backbone_options
    return BuildRequest(fitted=prepared.fitted, layout=plan.task.kind.layout, options=options, files=files)


def extended(model: TransferModel, extension: Extension | None) -> TransferModel:
    """Return the model as the strategy's `extend` changes it; the same for each call and seed.

    Raises `ContractError` if what it returns is no model with a head `target`.
    """
    if extension is None:
        return model
    device = device_of(model)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(derive_seed(0, "extend"))
        made = extension.extend(model, extension.options)
    if not isinstance(made, TransferModel) or "target" not in made.heads or not isinstance(made.encoder, Encoder):
        raise ContractError("`extend` must return a TransferModel with an Encoder and a head `target`.")
    return made.to(device)


def read_source(plan: SourcePlan, prepared: Prepared, device: str, folder: Path) -> TransferModel:
    """Return the source model that a stage left in its folder, in evaluation mode."""
    # Built at random: the weights of the checkpoint would only be overwritten.
    return load_weights(build(plan, prepared, device, ["source"]), folder / WEIGHTS).eval()


def read_adapted(pairing: Pairing, prepared: Prepared, device: str, folder: Path) -> TransferModel:
    """Return the adapted model that a stage left in its folder, in evaluation mode."""
    made = blueprint(pairing, prepared, device, prepared.heads, extension=pairing.extension)()
    return load_weights(made, folder / WEIGHTS).eval()
