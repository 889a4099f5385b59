"""Checks of a strategy, on the toy's tasks."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path

import numpy as np

from tlbench.contract.budget import Budget
from tlbench.contract.specs import StrategySpec
from tlbench.contract.task_data import Access
from tlbench.contract.training import TRAININGS
from tlbench.engine.adaptation import adapt
from tlbench.engine.given import declared_parts
from tlbench.engine.prepared import SPLITS, Prepared
from tlbench.errors import ContractError
from tlbench.learning.model import state_hash
from tlbench.planning.plan import Pairing
from tlbench.testing.bench import Bench, Check, ignore
from tlbench.testing.effects import TORCH_SEED, watched
from tlbench.testing.extensions import extension_depends_on_structure_alone, forgetting_is_measured_or_explained
from tlbench.testing.on_toy import on_each
from tlbench.testing.specs import SPEC_CHECKS, label, needs_are_known
from tlbench.testing.trials import attempt


def training_is_named(spec: StrategySpec, bench: Bench) -> str | None:
    """A strategy that trains by steps and rate says which kind of training it is, so that recipes apply to it."""
    if spec.recipe or not {"steps", "learning_rate"} <= {option.name for option in spec.options}:
        return None
    return (
        f"{label(spec)} has training options and no `recipe`: it gets the defaults that backbones have for all "
        f"training, such as batch_size, but not those for a kind, such as steps. Kinds are {', '.join(TRAININGS)}; "
        f"leave it empty if none fits."
    )


def served_head_is_trained(spec: StrategySpec, bench: Bench) -> str | None:
    """A strategy that trains the head `source` alone copies it: the target is predicted with the head `target`."""
    left = set[str]()

    def check(pairing: Pairing) -> None:
        moved = bench.trial(pairing).moved
        if moved.get("source") and not moved["target"]:
            left.add(pairing.task.name)

    on_each(spec, bench, check)
    if not left:
        return None
    return (
        f"{label(spec)} trains the head source and leaves the head target as it was on {', '.join(sorted(left))}: the "
        f"target is predicted with the head target. Copy it: model.heads['target'].load_state_dict(...)."
    )


def process_state_is_unchanged(spec: StrategySpec, bench: Bench) -> None:
    """Adapting changes no seed, thread, directory or variable; it may draw from torch, which the host seeds."""

    def check(pairing: Pairing) -> None:
        prepared, source = bench.source(pairing)
        watched(f"{label(spec)}: adapt", lambda: adapt(pairing, prepared, source, ignore), [TORCH_SEED])

    on_each(spec, bench, check)


def runs_to_a_result(spec: StrategySpec, bench: Bench) -> None:
    """Every run on the toy ends as an exported, scored file, within the declared access."""
    on_each(spec, bench, bench.row)


def runs_are_reproducible(spec: StrategySpec, bench: Bench) -> None:
    """The seed decides everything."""

    def check(pairing: Pairing) -> None:
        first, second = bench.trial(pairing).model, adapt(pairing, *bench.source(pairing), ignore).model
        if state_hash(second) != first:
            raise ContractError(
                f"{label(spec)} returns different weights in a second run on {pairing.task.name}: use "
                f"request.generator, or torch's random numbers, which are seeded."
            )

    on_each(spec, bench, check)


def declared_access_is_used(spec: StrategySpec, bench: Bench) -> str | None:
    """Leaderboards separate strategies by access: none should declare more than it reads."""
    read = _parts_read(spec, bench)
    unread = sorted(part for part, names in PARTS.items() if part in spec.access and not read & set(names))
    return f"{label(spec)} declares access to {', '.join(unread)} but does not read it." if unread else None


def selection_rule_is_used(spec: StrategySpec, bench: Bench) -> None:
    """A rule that sets labels aside has a strategy that reads them; without a rule `request.score` is refused."""
    domain, _, rule = spec.selection.partition("-")
    if rule == "validation" and f"{domain}.validation" not in _parts_read(spec, bench):
        raise ContractError(
            f'{label(spec)} declares selection="{spec.selection}" but does not read request.{domain}.validation: '
            f"labels are set aside for nothing. Choose by it, or declare another rule."
        )


def _parts_read(spec: StrategySpec, bench: Bench) -> set[str]:
    """Return the parts of the data that the strategy reads on any task of the toy."""
    read: set[str] = set()
    on_each(spec, bench, lambda pairing: read.update(bench.trial(pairing).parts))
    return read


PARTS = {
    Access.SOURCE: ("source.train", "source.validation"),
    Access.TARGET_LABELS: ("target.train", "target.validation"),
    Access.TARGET_INPUTS: ("target.unlabelled",),
    Access.TARGET_ALL_LABELS: ("target.all",),
}
"""What each access gives."""


def undeclared_labels_are_not_used(spec: StrategySpec, bench: Bench) -> None:
    """The audit: with every label on disk permuted, and the declared parts unchanged, the result is the same."""

    def check(pairing: Pairing) -> None:
        prepared, source = bench.source(pairing)
        permuted = attempt(pairing, _permuted(prepared, bench), source, declared_parts(pairing, prepared))
        if permuted.model != bench.trial(pairing).model:
            raise ContractError(
                f"{label(spec)} gives a different result on {pairing.task.name} when labels outside its declared "
                f"access are permuted: it reads them without the request."
            )

    on_each(spec, bench, check)


def _permuted(prepared: Prepared, bench: Bench) -> Prepared:
    """Return a copy of prepared data with the labels of every split permuted."""
    folder = Path(tempfile.mkdtemp(dir=bench.folder))
    for path in prepared.folder.iterdir():  # Without their permissions: files of the cache are read-only.
        shutil.copyfile(path, folder / path.name)
    for name in (name for name in SPLITS if name.partition("-")[0] in prepared.heads):
        path = folder / f"{name}-targets.npy"
        np.save(path, np.random.default_rng(5).permutation(np.load(path)))
    return dataclasses.replace(prepared, folder=folder)


def frozen_encoder_does_not_change(spec: StrategySpec, bench: Bench) -> None:
    """With `trains_encoder=False` encoder and buffers stay bit by bit, and forgetting is exactly 0."""
    if spec.trains_encoder or not spec.from_source:
        return

    def check(pairing: Pairing) -> None:
        row = bench.row(pairing)  # The host compares the hashes of the encoder.
        if pairing.has_source and spec.extend is None and row.forgetting_probe != 0.0:
            raise ContractError(
                f"{label(spec)}: forgetting is {row.forgetting_probe} with a frozen encoder; it must be 0."
            )

    on_each(spec, bench, check)


def one_label_per_class_is_enough(spec: StrategySpec, bench: Bench) -> None:
    """It works with the smallest label budget: with two labels of each class if some are set aside for validation."""
    least = Budget(2 if spec.selection == "target-validation" else 1, per_class=True)

    def check(pairing: Pairing) -> None:
        prepared, source = bench.source(pairing)
        adapt(dataclasses.replace(pairing, label_budget=least), prepared, source, ignore)

    on_each(spec, bench, check)


def steps_are_reported(spec: StrategySpec, bench: Bench) -> None:
    """A strategy with the option `steps` reports as many, or more if it trains several models or in further phases:
    displays and trackers live on it.
    """
    if "steps" not in {option.name for option in spec.options}:
        return

    def check(pairing: Pairing) -> None:
        if bench.trial(pairing).steps < int(pairing.strategy_options["steps"]):
            raise ContractError(
                f"{label(spec)} has the option steps but does not report them: call request.on_step(step, loss)."
            )

    on_each(spec, bench, check)


CHECKS: tuple[Check[StrategySpec], ...] = (
    *SPEC_CHECKS,
    training_is_named,
    needs_are_known,
    process_state_is_unchanged,
    extension_depends_on_structure_alone,
    runs_to_a_result,
    forgetting_is_measured_or_explained,
    served_head_is_trained,
    runs_are_reproducible,
    declared_access_is_used,
    selection_rule_is_used,
    undeclared_labels_are_not_used,
    frozen_encoder_does_not_change,
    one_label_per_class_is_enough,
    steps_are_reported,
)
