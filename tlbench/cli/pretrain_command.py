"""`tlbench pretrain`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.cli import completion
from tlbench.cli.catalog import catalog_with, plugin_option
from tlbench.cli.output import print_json, say
from tlbench.cli.progress import progress
from tlbench.cli.settings import set_option
from tlbench.errors import UsageError

if TYPE_CHECKING:
    from tlbench.planning.catalog import Catalog
    from tlbench.planning.expand import Pretraining
    from tlbench.planning.settings import Settings


@click.command("pretrain")
@click.argument("backbone", default="", shell_complete=completion.names_of("backbones"))
@click.option(
    "--task",
    default="",
    shell_complete=completion.names_of("tasks"),
    help="Task whose source side is learnt from; its target is not read.",
)
@click.option(
    "-o",
    "--output",
    default="",
    metavar="NAME | FOLDER",
    help="Name for later runs (kept below TLBENCH_CACHE), or a folder (with a slash in it).",
)
@click.option(
    "--objective",
    default="supervised",
    show_default=True,
    metavar="supervised | mlm | clm",
    help="The task's own labels, masked tokens, or the next token.",
)
@click.option(
    "--suite",
    default="",
    shell_complete=completion.suites,
    help="Make the checkpoints that a suite starts from, such as checkpoints; those that are there stay.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@set_option
@plugin_option
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of every numeric library."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    backbone: str,
    task: str,
    output: str,
    objective: str,
    suite: str,
    seed: int,
    overrides: Mapping[str, str],
    plugins: Sequence[Path],
    device: str,
    threads: int,
    as_json: bool,
) -> None:
    """Train BACKBONE on the source side of a task, and save it as a checkpoint.

    The folder holds what the library of the backbone reads itself, such as config.json, model.safetensors and
    tokenizer.json, and a README.md that says what it was made from. `--set source.steps=N` and the like say how.
    """
    from tlbench.planning.expand import Pretraining
    from tlbench.planning.fingerprints import resolve_device
    from tlbench.planning.settings import Settings

    named = (backbone, task, output)
    if any(named) if suite else not all(named):
        raise UsageError("Name a backbone, --task and --output, or --suite alone.")
    one = Pretraining(name=output, backbone=backbone, task=task, objective=objective, seed=seed, overrides=overrides)
    wanted = _of_suite(suite, overrides) if suite else [one]
    settings = Settings(device=resolve_device(device), threads=threads)
    settings.check_cache()
    display = progress()
    catalog = catalog_with(plugins, [display])
    try:
        made = [_make(one, catalog, settings) for one in wanted]
    finally:
        display.close()
    if as_json:
        print_json(made)
        return
    for model in made:
        say(f"{model['metric']} on the held-out part of the source: {model['score']:.3f}")
        say(f"saved: {model['folder']}")
    if not made:
        say(f'The suite "{suite}" lacks no checkpoint.')


def _of_suite(suite: str, overrides: Mapping[str, str]) -> list[Pretraining]:
    """Return what a suite lacks, with what the command line says in place of its settings."""
    from tlbench.assets.checkpoints import models_folder
    from tlbench.planning.suites import read_suite

    lacking = [one for one in read_suite(suite).pretrain if not (models_folder() / one.name).exists()]
    return [dataclasses.replace(one, overrides={**one.overrides, **overrides}) for one in lacking]


def _make(wanted: Pretraining, catalog: Catalog, settings: Settings) -> dict[str, Any]:
    from tlbench.contract.events import Event
    from tlbench.engine.pretraining import destination, plan_pretraining, pretrain

    folder = destination(wanted.name)
    pairing = plan_pretraining(wanted, catalog, settings)
    catalog.notify(Event(name="plan-started", total=1))
    catalog.notify(Event(name="pairing-started", pairing=f"{wanted.backbone} on {wanted.task}"))
    score = pretrain(pairing, settings, catalog.notify, folder)
    return {"folder": str(folder), "metric": pairing.task.metric, "score": score}
