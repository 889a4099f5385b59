"""Checks of what a strategy's `extend` makes of a model."""

from __future__ import annotations

import torch

from tlbench.contract.specs import StrategySpec
from tlbench.engine.adaptation import with_target_head
from tlbench.engine.models import blueprint, extended
from tlbench.engine.prepared import Prepared
from tlbench.errors import ContractError
from tlbench.learning.model import TransferModel, state_hash
from tlbench.planning.plan import Pairing
from tlbench.testing.bench import Bench
from tlbench.testing.effects import TORCH_SEED, watched
from tlbench.testing.on_toy import on_each
from tlbench.testing.specs import label


def extension_depends_on_structure_alone(spec: StrategySpec, bench: Bench) -> None:
    """`extend` gives the same model in every call, and one of the same structure for other weights."""
    if spec.extend is None:
        return
    on_each(spec, bench, lambda pairing: _check_extension(spec, pairing, *bench.source(pairing)))


def _check_extension(spec: StrategySpec, pairing: Pairing, prepared: Prepared, source: TransferModel) -> None:
    def plain() -> TransferModel:
        torch.manual_seed(0)
        return blueprint(pairing, prepared, "cpu", prepared.heads)()

    assert spec.extend is not None
    extend, options = spec.extend, dict(pairing.strategy_options)
    watched(f"{label(spec)}: extend", lambda: extend(plain(), options), [TORCH_SEED])
    first, second = (extended(plain(), pairing.extension) for _ in range(2))
    if state_hash(first) != state_hash(second):
        raise ContractError(
            f"{label(spec)}: extend returns different weights for the same model: draw from torch, which has a fixed "
            f"seed then."
        )
    shapes, others = _shapes(first), _shapes(with_target_head(pairing, prepared, source))
    if changed := sorted(name for name in shapes.keys() | others.keys() if shapes.get(name) != others.get(name)):
        raise ContractError(
            f"{label(spec)}: extend returns another architecture for other weights ({changed[0]}): it must depend on "
            f"the model's structure and on the options alone, for it runs again when the model is read back."
        )


def _shapes(model: TransferModel) -> dict[str, tuple[int, ...]]:
    return {name: tuple(part.shape) for name, part in model.state_dict().items()}


def forgetting_is_measured_or_explained(spec: StrategySpec, bench: Bench) -> None:
    """An extended model still runs with the head `source`, or its row says why forgetting is measured by probe."""
    if spec.extend is None or not spec.from_source:
        return

    def check(pairing: Pairing) -> None:
        row = bench.row(pairing)
        if pairing.has_source and row.forgetting_head is None and not row.forgetting_reason:
            raise ContractError(f"{label(spec)}: the row of {pairing.title} has no forgetting and no reason for it.")

    on_each(spec, bench, check)
