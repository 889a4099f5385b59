"""`tlbench list`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import print_json, print_table, say
from tlbench.planning.named_files import catalog_with
from tlbench.results.escapes import plain

if TYPE_CHECKING:
    from tlbench.contract.backbone_specs import BackboneFamily, BackboneSpec
    from tlbench.planning.catalog import Catalog


@click.command("list")
@plugin_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(plugins: Sequence[Path], as_json: bool) -> None:
    """List tasks, backbones, strategies, estimators and analyses."""
    catalog = catalog_with(plugins)
    tables = _tables(catalog)
    if as_json:
        print_json(tables)
        return
    plugins_of = {spec.name: catalog.origin(spec).entry_point for spec in catalog.strategies.values()}
    for name, rows in tables.items():
        if not rows:
            continue
        shown = rows if any(row["missing"] for row in rows) else [_without_missing(row) for row in rows]
        if name == "strategies":
            say("\n".join(_by_plugin(shown, plugins_of)))
        else:
            print_table(shown)
        say()
    if catalog.problems:
        say(f"{len(catalog.problems)} plugin error(s): see tlbench plugins", err=True)


def _tables(catalog: Catalog) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of each table by its name."""
    from tlbench.planning.catalog import missing

    return {
        "tasks": [
            {
                "task": task.name,
                "modality": task.modality,
                "setting": task.setting,
                "metric": task.metric,
                "budget": f"{task.label_budget} {task.kind.unit}",
                "data": {"package": "included", "data-root": "TLBENCH_DATA", "user": "your own"}[task.data_from],
                "title": task.title,
                "missing": missing(task) or missing(task.kind),
            }
            for task in catalog.tasks.values()
        ],
        "backbones": _backbones(catalog),
        "strategies": [
            {
                "strategy": spec.name,
                "access": ", ".join(sorted(spec.access)) or "none",
                "trains encoder": "yes" if spec.trains_encoder else "no",
                "title": spec.title,
                "missing": missing(spec),
            }
            for spec in catalog.strategies.values()
        ],
        "estimators": [
            {"estimator": spec.name, "title": spec.title, "missing": missing(spec)}
            for spec in catalog.estimators.values()
        ],
        "analyses": [
            {"analysis": spec.name, "title": spec.title, "missing": missing(spec)} for spec in catalog.analyses.values()
        ],
    }


def _backbones(catalog: Catalog) -> list[dict[str, Any]]:
    from tlbench.assets.checkpoints import is_local_checkpoint
    from tlbench.planning.catalog import missing
    from tlbench.planning.published import published_models

    named: dict[str, BackboneSpec | BackboneFamily] = {spec.name: spec for spec in catalog.backbones.values()}
    named |= {f"{spec.name}/...": spec for spec in catalog.families.values()}
    published = published_models(catalog.families.values())
    return [
        {"backbone": name, "modality": spec.modality, "title": spec.title, "missing": missing(spec)}
        for name, spec in named.items()
    ] + [
        {
            "backbone": name,
            "modality": model.modality,
            "title": f"{model.title} ({model.licence})",
            "missing": "" if is_local_checkpoint(model.model) else f"tlbench fetch {name}",
        }
        for name, model in published.items()
    ]


def _by_plugin(rows: Sequence[dict[str, Any]], plugins: Mapping[str, str]) -> list[str]:
    """Return the lines of a table of strategies, with the name of a plugin above the strategies that it brings."""
    from tlbench.api.tables import as_text

    ordered = sorted(rows, key=lambda row: plugins[row["strategy"]])
    first, ruler, *lines = as_text(ordered).splitlines()
    shown = [f"  {first}", f"  {ruler}"]
    before = ""
    for row, line in zip(ordered, lines, strict=True):
        plugin = plugins[row["strategy"]]
        shown += [f"{plain(plugin)}:"] if plugin != before else []
        shown.append(f"  {line}")
        before = plugin
    return shown


def _without_missing(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "missing"}
