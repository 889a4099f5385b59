"""What a row says of its task, strategy and key, compared with the plugins that are installed."""

from __future__ import annotations

from collections.abc import Iterator

from tlbench.contract.budget import Budget
from tlbench.contract.requests import no_files
from tlbench.contract.specs import TaskSpec
from tlbench.planning.augmentation import Named, identity_of, usual_strength, with_named
from tlbench.planning.catalog import Catalog
from tlbench.planning.plan import key_of
from tlbench.planning.rules import own_rule
from tlbench.planning.tuned import own_options
from tlbench.results.files import digest
from tlbench.results.row import Row
from tlbench.verification.report import Problem


def wrong_declarations(file: str, row: Row, catalog: Catalog) -> Iterator[Problem]:
    """Yield the fields that the row's task or strategy declares otherwise, and the key of other options."""
    task, strategy = catalog.task(row.task), catalog.strategies.get(row.strategy)
    declared: dict[str, object] = {"metric": task.metric, "budget_unit": task.kind.unit}
    if task.labels is None:
        declared["setting"] = task.setting
    yield from _wrong(file, row, declared, f"task {task.name}")
    if strategy is not None and not undeclared(row, catalog):
        access = tuple(sorted(strategy.access))
        own = own_rule(strategy, task)
        rule = row.selection if row.selection in strategy.selections else own
        declared = {"access": access, "baseline": strategy.baseline, "selection": rule}
        yield from _wrong(file, row, declared, f"strategy {strategy.name}")
        select = rule if rule != own else ""
        keys = [expected_key(row, task, select, strength) for strength in _named_strengths(row, task, catalog)]
        if row.key not in keys and None not in keys:
            yield Problem(file, "key", row.key, f"{keys[0]!r}, computed from its options")


def undeclared(row: Row, catalog: Catalog) -> str:
    """Return why access and key of a row cannot be verified; empty if they can be.

    A strategy of another version may have declared something else.
    """
    strategy = catalog.strategies.get(row.strategy)
    if strategy is None:
        return f"the strategy {row.strategy} is not installed"
    origin, installed = row.plugins.get("strategy"), str(catalog.origin(strategy))
    if origin != installed:
        return f"the strategy {row.strategy} is of {origin}, but {installed} is installed"
    # A plugin may change between two releases: other options are another declaration.
    if own_options(strategy, row.strategy_options).keys() != {option.name for option in strategy.options}:
        return f"the strategy {row.strategy} has other options now"
    return ""


def _wrong(file: str, row: Row, declared: dict[str, object], owner: str) -> Iterator[Problem]:
    for name, expected in declared.items():
        if (value := getattr(row, name)) != expected:
            yield Problem(file, name, value, f"{expected!r}, as the {owner} declares")


def _named_strengths(row: Row, task: TaskSpec, catalog: Catalog) -> list[Named]:
    """Return the strengths that the user may have named for a row, empty for the task's own."""
    if row.augmentation is None:
        return [""]
    backbone, task = catalog.backbones.get(row.backbone), with_named(task, row.task_options)
    if backbone is None:  # Of a family: it may vary nothing, so that `none` is the task's own.
        usual = task.augment_strength if task.augment else "none"
        own: list[Named] = [""] if row.augmentation in (usual, "none") else []
        return [*own, row.augmentation]
    return ["" if row.augmentation == usual_strength(task, backbone) else row.augmentation]


def expected_key(row: Row, task: TaskSpec, select: str, strength: Named = "") -> str | None:
    """Return the key of a row; None if it depends on files that the row does not name.

    `select` and `strength` are the rule and the augmentation that the user named, empty for the defaults.
    """
    files = digest([]) if task.files is no_files else row.files
    if not files or row.remembered or (not row.budget_rule and row.label_budget is None):
        return None
    budget = Budget.parse(row.budget_rule) if row.budget_rule else Budget(row.label_budget)
    alone = [row.setting] if row.setting == "target-only" else []
    options = (row.task_options, row.backbone_options, row.source_options, row.strategy_options)
    names, contents = (row.task, row.backbone, row.strategy), (files, row.weights_sha256 or "", "")
    return key_of(names, row.seed, budget, contents, [*alone, *identity_of(select, strength), *map(dict, options)])
