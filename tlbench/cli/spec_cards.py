"""Specs -> cards: the details of a domain, a task, a backbone or a strategy, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlbench.assets.folders import data_folder
from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.options import Option
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import DomainSpec, StrategySpec, TaskSpec
from tlbench.contract.training import TRAININGS
from tlbench.errors import UsageError
from tlbench.planning.catalog import Catalog, Spec, missing
from tlbench.planning.compatibility import SETTINGS, mismatch
from tlbench.planning.expand import budget_option
from tlbench.planning.overrides import default_value
from tlbench.planning.plan_parts import PLACES
from tlbench.planning.tuned import is_tunable, options_of, tried_range

Card = dict[str, Any]
"""`sort`, `name` and `title`, then facts by name, `options` and other tables, and `commands`."""
DATA = {
    "package": "included (generated, or part of a library)",
    "data-root": "published files in TLBENCH_DATA",
    "user": "your own: --set task.target=PATH, and --set task.source=PATH if there is a source domain",
}


def spec_cards(catalog: Catalog, name: str) -> list[Card]:
    """Return the cards of everything with that name. Raises `UsageError` if a family has no such backbone."""
    cards: list[Card] = []
    if domain := catalog.domains.get(name):
        cards.append(domain_card(catalog, domain))
    if task := catalog.tasks.get(name):
        cards.append(task_card(catalog, task))
    family, slash, _ = name.partition("/")
    if name in catalog.backbones or (slash and family in catalog.families):
        cards.append(backbone_card(catalog, catalog.backbone(name)))
    elif name in catalog.families:
        cards.append(family_card(catalog, catalog.families[name]))
    if strategy := catalog.strategies.get(name):
        cards.append(strategy_card(catalog, strategy))
    if estimator := catalog.estimators.get(name):
        cards.append(diagnostic_card(catalog, "estimator", estimator))
    if analysis := catalog.analyses.get(name):
        cards.append(diagnostic_card(catalog, "analysis", analysis))
    return cards


def domain_card(catalog: Catalog, domain: DomainSpec) -> Card:
    """Return the card of a domain."""
    return {
        **_head("domain", domain),
        "tasks": [task.name for task in catalog.tasks.values() if task.domain == domain.name],
        "plugin": str(catalog.origin(domain)),
    }


def task_card(catalog: Catalog, task: TaskSpec) -> Card:
    """Return the card of a task, with what is missing to run it."""
    fitting = [spec.name for spec in catalog.backbones.values() if fits(task, spec)]
    families = [f"{family.name}/..." for family in catalog.families.values() if _reads(family, task)]
    backbone, lacking = _own_backbone(catalog, task)
    reasons = {
        spec.name: backbone and mismatch(task, task.setting, backbone, spec) for spec in catalog.strategies.values()
    }
    card = {
        **_head("task", task),
        "source domain": task.source or "none",
        "target domain": task.target,
        "shift": task.shift,
        "setting": _setting(task),
        "kind": f"{task.kind.name}: {task.kind.summary}",
        "metric": task.metric,
        "label budget": f"{task.label_budget} {task.kind.unit}",
        "data": DATA[task.data_from],
        "similar to": task.mirrors,
        "licence": task.licence,
        "modality": task.modality,
        "backbones": list(dict.fromkeys([task.backbone, *fitting])),
        "families of this modality": families,
        "strategies": [name for name, reason in reasons.items() if not reason],
        "incompatible strategies": [reason for reason in reasons.values() if reason],
        "augmentations": list(task.augment),
        "augmentation by default": task.augment_strength if task.augment else "none",
        "traits": [*task.kind.traits, *task.traits],
        "plugin": str(catalog.origin(task)),
        "missing": _lacks(
            missing(task), missing(task.kind), missing(task.kind_of_source), lacking, _absent_files(task)
        ),
        "options": [_option("task", option) for option in (*task.options, budget_option(task))],
        "commands": [_run(task)],
    }
    if task.source_kind is not None:
        card |= {"kind of the source": task.source_kind.name, "metric of the source": task.metric_of_source}
    return card


def _setting(task: TaskSpec) -> str:
    if task.labels is not None and task.data_from == "user":
        return "follows from the labels in the files: transductive, inductive or target-only"
    return f"{task.setting}: {SETTINGS[task.setting]}"


def _own_backbone(catalog: Catalog, task: TaskSpec) -> tuple[BackboneSpec | None, str]:
    """Return the default backbone of a task, or an error message."""
    try:
        return catalog.backbone(task.backbone), ""
    except UsageError as error:
        return None, str(error)


def _reads(family: BackboneFamily, task: TaskSpec) -> bool:
    """Return whether a family takes the examples of a task. Which features a backbone gives depends on the backbone."""
    return task.modality in family.modality.split(", ")


def fits(task: TaskSpec, backbone: BackboneSpec) -> bool:
    """Return whether a backbone takes the examples of a task and gives the features that its kinds require."""
    layouts = {task.kind.layout, task.kind_of_source.layout}
    return backbone.modality == task.modality and layouts <= set(backbone.layouts)


def backbone_card(catalog: Catalog, backbone: BackboneSpec) -> Card:
    """Return the card of a backbone."""
    return {
        **_head("backbone", backbone),
        "modality": backbone.modality,
        "weights": "from a checkpoint" if backbone.checkpoint else "random",
        "features": list(backbone.layouts),
        "traits": list(backbone.traits),
        "licence": backbone.licence,
        "tasks": [task.name for task in catalog.tasks.values() if fits(task, backbone)],
        "plugin": str(catalog.origin(backbone)),
        "missing": _lacks(missing(backbone)),
        "options": [_option("backbone", option) for option in backbone.options],
        "recipe": [{"training option": name, "value": value} for name, value in backbone.recipe.items()],
    }


def family_card(catalog: Catalog, family: BackboneFamily) -> Card:
    """Return the card of a family of backbones."""
    return {
        **_head("family", family),
        "modality": family.modality,
        "tasks": [task.name for task in catalog.tasks.values() if _reads(family, task)],
        "plugin": str(catalog.origin(family)),
        "missing": _lacks(missing(family)),
        "commands": [f"tlbench show {family.name}/NAME", f"tlbench run --task TASK --backbone {family.name}/NAME"],
    }


def strategy_card(catalog: Catalog, strategy: StrategySpec) -> Card:
    """Return the card of a strategy, with the training options that backbones change for it."""
    return {
        **_head("strategy", strategy),
        "paper": strategy.paper,
        "access": sorted(strategy.access) or ["none"],
        "encoder": "trained" if strategy.trains_encoder else "frozen (checked after each run)",
        "starts from": "the source model" if strategy.from_source else "random weights",
        "model selection": strategy.selection,
        "other rules": list(strategy.selections),
        "augmentation": "as the run says (--augment)" if strategy.augments else "no batches that the run varies",
        "baseline": "yes: runs for every task and is not ranked" if strategy.baseline else "",
        "settings": list(strategy.settings),
        "inputs": list(strategy.modalities) or ["all"],
        "requires": list(strategy.needs),
        "plugin": str(catalog.origin(strategy)),
        "missing": _lacks(missing(strategy)),
        "kind of training": f"{strategy.recipe}: {TRAININGS[strategy.recipe]}" if strategy.recipe else "",
        "options": [_tuned_option(strategy, option) for option in options_of(strategy)],
        "defaults of backbones": _recipes(catalog, strategy),
    }


def diagnostic_card(catalog: Catalog, sort: str, spec: EstimatorSpec | AnalysisSpec) -> Card:
    """Return the card of an estimator or an analysis."""
    return {
        **_head(sort, spec),
        "paper": spec.paper,
        "requires": list(spec.needs),
        "plugin": str(catalog.origin(spec)),
        "missing": _lacks(missing(spec)),
        "options": [_option(spec.name, option) for option in spec.options],
        "commands": [f"tlbench run --task TASK --{sort} {spec.name}"],
    }


def _head(sort: str, spec: Spec) -> Card:
    return {"sort": sort, "name": spec.name, "title": spec.title, "summary": spec.summary}


def _option(owner: str, option: Option) -> dict[str, Any]:
    name = f"{owner}.{option.name}"
    return {"option": name, "default": option.default, "unit": option.unit, "meaning": option.summary}


def _tuned_option(strategy: StrategySpec, option: Option) -> dict[str, Any]:
    """Return the row of an option, with the values that `--tune` tries around the default if it tries any."""
    shown = _option(strategy.name, option)
    if is_tunable(strategy):
        ranged = option.tune and option.default
        shown["tried by --tune"] = (
            " to ".join(f"{one:g}" for one in tried_range(option, option.default)) if ranged else ""
        )
    return shown


def _recipes(catalog: Catalog, strategy: StrategySpec) -> list[Mapping[str, Any]]:
    """Return, for each backbone that changes a default of the strategy, every option that some backbone changes."""
    values = {
        backbone.name: {
            option.name: default_value(option, strategy.recipe, backbone.recipe) for option in strategy.options
        }
        for backbone in catalog.backbones.values()
        if not strategy.modalities or backbone.modality in strategy.modalities
    }
    defaults = {option.name: option.default for option in strategy.options}
    changed = [name for name in defaults if any(own[name] != defaults[name] for own in values.values())]
    return [
        {"backbone": backbone, **{name: own[name] for name in changed}}
        for backbone, own in values.items()
        if own != defaults
    ]


def _lacks(*sentences: str) -> list[str]:
    return list(dict.fromkeys(filter(None, sentences)))


def _absent_files(task: TaskSpec) -> str:
    """Return which published file is missing, or an empty string. The paths of a user's own files are unknown here."""
    if task.data_from != "data-root" or missing(task):
        return ""
    options = {option.name: option.default for option in task.options}
    try:
        task.files(LoadRequest(task=task.name, options=options, data_root=data_folder()))
    except UsageError as error:
        return str(error)
    return ""


def _run(task: TaskSpec) -> str:
    places = [f"--set task.{option.name}=PATH" for option in task.options if option.name in PLACES]
    return " ".join(["tlbench run --task", task.name, *(places if task.data_from == "user" else ())])
