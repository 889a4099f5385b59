"""Specs of the installed plugins -> what the interactive page says of tasks, strategies and backbones."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tlbench.leaderboard.site.descriptions import Card, Descriptions

if TYPE_CHECKING:
    from tlbench.contract.backbone_specs import BackboneSpec
    from tlbench.contract.specs import StrategySpec, TaskSpec
    from tlbench.planning.catalog import Catalog
    from tlbench.results.row import Row


def descriptions(catalog: Catalog) -> Descriptions:
    """Return a card for each spec of a catalog, and how to run a result again."""
    from tlbench.planning.repeat import repeat_command

    def repeat(row: Row) -> str:
        return shlex.join(repeat_command(row, catalog))

    return Descriptions(
        tasks={name: _task(spec) for name, spec in catalog.tasks.items()},
        strategies={name: _strategy(spec) for name, spec in catalog.strategies.items()},
        backbones={name: _backbone(spec) for name, spec in catalog.backbones.items()},
        analyses={name: Card(title=spec.title, summary=spec.summary) for name, spec in catalog.analyses.items()},
        repeat=repeat,
    )


def _task(spec: TaskSpec) -> Card:
    from tlbench.planning.compatibility import SETTINGS

    facts = {
        "source domain": spec.source or "none",
        "target domain": spec.target,
        "shift": spec.shift,
        "setting": f"{spec.setting}: {SETTINGS[spec.setting]}",
        "kind": f"{spec.kind.name}: {spec.kind.summary}",
        "metric": spec.metric,
        "similar to": spec.mirrors,
        "licence": spec.licence,
    }
    return Card(title=spec.title, summary=spec.summary, facts=facts, kind=spec.kind.name)


def _strategy(spec: StrategySpec) -> Card:
    from tlbench.leaderboard.wording import access

    changes = "changes: weights, or statistics of its normalisation"
    facts = {
        "data access": access(sorted(spec.access)),
        "encoder": changes if spec.trains_encoder else "frozen: no weight of it changes",
        "selection": spec.selection,
        "paper": spec.paper,
    }
    return Card(title=spec.title, summary=spec.summary, facts=facts)


def _backbone(spec: BackboneSpec) -> Card:
    facts = {
        "modality": spec.modality,
        "weights": "from a checkpoint" if spec.checkpoint else "random",
        "licence": spec.licence,
    }
    return Card(title=spec.title, summary=spec.summary, facts=facts)
