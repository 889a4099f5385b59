"""A pairing as data: what a process without plugins knows of it, and what another one needs to run it."""

from __future__ import annotations

import base64
import io
import pickle
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from tlbench.contract.backbone_specs import BackboneSpec
from tlbench.contract.diagnostics import AnalysisSpec, EstimatorSpec
from tlbench.contract.specs import StrategySpec, TaskSpec
from tlbench.engine.draft import Draft
from tlbench.planning.catalog import Catalog
from tlbench.planning.plan import Pairing
from tlbench.planning.settings import Settings
from tlbench.results.files import digest
from tlbench.results.row import Row

Owned = TaskSpec | BackboneSpec | StrategySpec | EstimatorSpec | AnalysisSpec
LOOKED_UP: Mapping[type, str] = {
    TaskSpec: "task",
    BackboneSpec: "backbone",
    StrategySpec: "strategy",
    EstimatorSpec: "estimator",
    AnalysisSpec: "analysis",
}
"""Specs travel by name: their functions are those of the plugins that the other process loads."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One pairing of a plan."""

    title: str
    fields: Mapping[str, Any]
    """Fields of its row that are known before it runs."""
    budget: str
    """The label budget as it was asked for."""
    group: str = ""
    """Names the source model: pairings of one group share it."""
    skip: str = ""
    """Why it is not run; empty for one that is."""
    published: bool = True
    curves: bool = False
    """Whether it is trained a second time, for its score over training."""
    plugins: tuple[str, ...] = ()
    """The plugins that it needs."""
    requires: tuple[str, ...] = ()
    """Top-level packages that their specs require."""
    code: str = ""
    """The pairing for a process that has these plugins: see `unpacked`."""
    draft: Draft | None = None
    """Its result, if the cache has all of it."""
    found: tuple[tuple[str, float], ...] = ()
    """The stages that the cache has, with the CPU seconds that they took when they were computed."""
    data: str = ""
    """Names the prepared data: pairings that share it share the stage `prepare`."""
    training: str = ""
    """Names what trains: strategies that share it have training steps of about the same cost."""
    architecture: str = ""
    """Names the strategy's change of the architecture; empty for none."""
    prepared: str = ""
    """The folder of the prepared data, if the cache has it."""

    @property
    def key(self) -> str:
        """The key of its row."""
        return str(self.fields["key"])

    @property
    def row_file(self) -> str:
        """The name of its row's file on a board."""
        return Row(**self.fields, status="failed").file_name

    def to_json(self) -> dict[str, Any]:
        """Return the job as JSON, which `from_json` reads."""
        return {**vars(self), "fields": dict(self.fields), "draft": self.draft and self.draft.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Job:
        """Return the job of another process."""
        draft = value["draft"] and Draft.from_json(value["draft"])
        lists = {name: tuple(value[name]) for name in ("plugins", "requires")}
        lists["found"] = tuple((str(stage), float(seconds)) for stage, seconds in value["found"])
        return cls(**{**value, **lists, "draft": draft})


def with_distinct_titles(jobs: Sequence[Job]) -> list[Job]:
    """Return jobs whose titles tell them apart: those with the same words get the options in which they differ."""
    alike: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for job in jobs:
        alike[job.title].append(_options_of(job))
    titled = []
    for job in jobs:
        every, own = alike[job.title], _options_of(job)
        differing = [name for name in own if len({str(values.get(name)) for values in every}) > 1]
        words = ", ".join(f"{name}={own[name]}" for name in differing)
        titled.append(replace(job, title=f"{job.title} ({words})") if words else job)
    return titled


def _options_of(job: Job) -> dict[str, Any]:
    owners = ("task", "backbone", "source")
    options = {f"{one}.{name}": value for one in owners for name, value in job.fields[f"{one}_options"].items()}
    chosen = {name: job.fields[name] for name in ("selection", "augmentation")}
    return {"label_budget": job.budget, **job.fields["strategy_options"], **options, **chosen}


def job_of(pairing: Pairing, catalog: Catalog, settings: Settings) -> Job:
    """Return a pairing as data, without what runs it."""
    named: dict[str, Owned] = {"task": pairing.task, "backbone": pairing.backbone, "strategy": pairing.strategy}
    if pairing.teacher:
        named["teacher"] = pairing.teacher.backbone
    owners = {role: str(catalog.origin(spec)) for role, spec in named.items()}
    return Job(
        title=pairing.title,
        fields={**pairing.row_fields(settings), "plugins": owners},
        budget=str(pairing.label_budget),
        group=digest([pairing.task.name, pairing.backbone.name, pairing.seed, *[True] * pairing.sets_aside_source]),
        data=digest([pairing.task.name, pairing.backbone.name, str(pairing.fit_inputs)]),
        training=training_of(pairing),
        architecture=pairing.strategy.name if pairing.extension else "",
        skip=pairing.skip,
        published=pairing.published,
        curves=pairing.curves,
        plugins=tuple(dict.fromkeys(str(catalog.origin(spec)) for spec in specs_of(pairing))),
        requires=tuple(dict.fromkeys(name for spec in specs_of(pairing) for name in spec.requires)),
    )


def training_of(pairing: Pairing) -> str:
    """Return what strategies have in common whose training steps cost about the same."""
    recipe = pairing.strategy.recipe
    if pairing.teacher:
        return pairing.strategy.name
    return "full" if recipe in ("full", "scratch", "all-labels") else recipe or pairing.strategy.name


def specs_of(pairing: Pairing) -> list[Owned]:
    """Return every spec that a pairing uses."""
    kept = [pairing.remembered.task] if pairing.remembered else []
    estimators, analyses = [one.spec for one in pairing.estimators], [one.spec for one in pairing.analyses]
    backbones = [one.backbone for one in (pairing, pairing.teacher) if one]
    parts = [part for backbone in backbones for part in backbone.parts]
    return [pairing.task, *backbones, *parts, pairing.strategy, *kept, *estimators, *analyses]


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> tuple[str, str] | None:
        if type(value) not in LOOKED_UP:
            return None
        return LOOKED_UP[type(value)], getattr(value, "found_by", "") or value.name

    def reducer_override(self, value: Any) -> Any:
        return (MappingProxyType, (dict(value),)) if isinstance(value, MappingProxyType) else NotImplemented


class _Unpickler(pickle.Unpickler):  # noqa: S301 - of what this run itself wrote
    catalog: Catalog

    def persistent_load(self, known: tuple[str, str]) -> Any:
        sort, name = known
        return getattr(self.catalog, sort)(name)


def packed(pairing: Pairing) -> str:
    """Return a pairing as text for a process that has its plugins. Never read what others wrote: it is a pickle."""
    stream = io.BytesIO()
    _Pickler(stream).dump(pairing)
    return base64.b64encode(stream.getvalue()).decode()


def unpacked(code: str, catalog: Catalog) -> Pairing:
    """Return the pairing of `packed`, with the specs of this process's catalog."""
    reader = _Unpickler(io.BytesIO(base64.b64decode(code)))
    reader.catalog = catalog
    pairing = reader.load()
    assert isinstance(pairing, Pairing)
    return pairing
