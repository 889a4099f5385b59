"""Specs -> cards: everything there is to say about a domain, a task, a backbone or a strategy, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlbench.assets.folders import data_folder
from tlbench.contract.options import Option
from tlbench.contract.requests import LoadRequest
from tlbench.contract.specs import BackboneFamily, BackboneSpec, DomainSpec, StrategySpec, TaskSpec
from tlbench.errors import UsageError
from tlbench.planning.catalog import Catalog, Spec, missing
from tlbench.planning.expand import budget_option, default, mismatch
from tlbench.planning.plan import PLACES

Card = dict[str, Any]
"""What it is (`sort`, `name`, `title`), then facts by name, `options` and other tables, and `commands`."""
DATA = {
    "package": "included: generated, or comes with a library",
    "data-root": "published files below TLBENCH_DATA",
    "user": "yours: --set task.source=PATH and --set task.target=PATH",
}
SETTINGS = {"transductive": "both sides share their labels", "inductive": "the sides have labels of their own"}


def spec_cards(catalog: Catalog, name: str) -> list[Card]:
    """Return the cards of everything of that name. Raises `UsageError` where a family finds no such backbone."""
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
    return cards


def domain_card(catalog: Catalog, domain: DomainSpec) -> Card:
    """Return what is known of a domain."""
    return {
        **_head("domain", domain),
        "tasks": [task.name for task in catalog.tasks.values() if task.domain == domain.name],
        "plugin": str(catalog.origin(domain)),
    }


def task_card(catalog: Catalog, task: TaskSpec) -> Card:
    """Return what is known of a task, and whether it can run here."""
    fitting = [spec.name for spec in catalog.backbones.values() if fits(task, spec)]
    families = [f"{family.name}/..." for family in catalog.families.values() if _reads(family, task)]
    backbone, lacking = _own_backbone(catalog, task)
    reasons = {spec.name: backbone and mismatch(task, backbone, spec) for spec in catalog.strategies.values()}
    card = {
        **_head("task", task),
        "source": task.source,
        "target": task.target,
        "shift": task.shift,
        "setting": f"{task.setting}: {SETTINGS[task.setting]}",
        "kind": f"{task.kind.name}: {task.kind.summary}",
        "metric": task.metric,
        "label budget": f"{task.label_budget} {task.kind.unit}",
        "data": DATA[task.data_from],
        "resembles": task.mirrors,
        "licence": task.licence,
        "modality": task.modality,
        "backbones": list(dict.fromkeys([task.backbone, *fitting])),
        "families of this modality": families,
        "strategies": [name for name, reason in reasons.items() if not reason],
        "not with": [reason for reason in reasons.values() if reason],
        "augmented by": list(task.augment),
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


def _own_backbone(catalog: Catalog, task: TaskSpec) -> tuple[BackboneSpec | None, str]:
    """Return the backbone that a task names, or the sentence on why it is not to be had."""
    try:
        return catalog.backbone(task.backbone), ""
    except UsageError as error:
        return None, str(error)


def _reads(family: BackboneFamily, task: TaskSpec) -> bool:
    """Say whether backbones of a family take a task's examples; what features they give is known of each alone."""
    return task.modality in family.modality.split(", ")


def fits(task: TaskSpec, backbone: BackboneSpec) -> bool:
    """Say whether a backbone takes a task's examples and gives the features that its kinds ask for."""
    layouts = {task.kind.layout, task.kind_of_source.layout}
    return backbone.modality == task.modality and layouts <= set(backbone.layouts)


def backbone_card(catalog: Catalog, backbone: BackboneSpec) -> Card:
    """Return what is known of a backbone."""
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
    """Return what is known of a family of backbones."""
    return {
        **_head("family", family),
        "modality": family.modality,
        "tasks": [task.name for task in catalog.tasks.values() if _reads(family, task)],
        "plugin": str(catalog.origin(family)),
        "missing": _lacks(missing(family)),
        "commands": [f"tlbench show {family.name}/NAME", f"tlbench run --task TASK --backbone {family.name}/NAME"],
    }


def strategy_card(catalog: Catalog, strategy: StrategySpec) -> Card:
    """Return what is known of a strategy: what it is given, what it promises, and what backbones set for it."""
    trains = "trains the encoder" if strategy.trains_encoder else "leaves the encoder as it is; the host checks it"
    return {
        **_head("strategy", strategy),
        "paper": strategy.paper,
        "access": sorted(strategy.access) or ["nothing"],
        "promises": trains,
        "starts from": "the source model" if strategy.from_source else "new weights: there is nothing to forget",
        "model picked": strategy.selection,
        "baseline": "a bound, run for every task and set apart on boards" if strategy.baseline else "",
        "settings": list(strategy.settings),
        "kinds": list(strategy.kinds) or ["all"],
        "needs backbones with": list(strategy.needs),
        "plugin": str(catalog.origin(strategy)),
        "missing": _lacks(missing(strategy)),
        "options": [_option(strategy.name, option) for option in strategy.options],
        "set by backbones": _recipes(catalog, strategy),
    }


def _head(sort: str, spec: Spec) -> Card:
    return {"sort": sort, "name": spec.name, "title": spec.title, "summary": spec.summary}


def _option(owner: str, option: Option) -> dict[str, Any]:
    name = f"{owner}.{option.name}"
    return {"option": name, "default": option.default, "unit": option.unit, "meaning": option.summary}


def _recipes(catalog: Catalog, strategy: StrategySpec) -> list[Mapping[str, Any]]:
    """Return, for each backbone that changes a default of the strategy, the values of the options that any changes."""
    values = {
        backbone.name: {option.name: default(option, strategy.name, backbone.recipe) for option in strategy.options}
        for backbone in catalog.backbones.values()
    }
    defaults = {option.name: option.default for option in strategy.options}
    changed = [name for name in defaults if any(found[name] != defaults[name] for found in values.values())]
    return [
        {"backbone": backbone, **{name: found[name] for name in changed}}
        for backbone, found in values.items()
        if found != defaults
    ]


def _lacks(*sentences: str) -> list[str]:
    return list(dict.fromkeys(filter(None, sentences)))


def _absent_files(task: TaskSpec) -> str:
    """Say which published file is not there; where a user's own files lie is not known here."""
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
