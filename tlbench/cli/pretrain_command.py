"""`tlbench pretrain`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.api.progress import progress
from tlbench.cli import completion
from tlbench.cli.catalog import plugin_option
from tlbench.cli.output import print_json, say
from tlbench.cli.settings import set_option
from tlbench.cli.verbosity import level, verbosity_options
from tlbench.errors import UsageError
from tlbench.planning.named_files import catalog_with

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
    help="Task whose source domain is used for training. Its target domain is not read.",
)
@click.option(
    "-o",
    "--output",
    default="",
    metavar="NAME | FOLDER",
    help="Name for later runs (stored in TLBENCH_CACHE), or a folder (with a slash).",
)
@click.option(
    "--objective",
    default="supervised",
    show_default=True,
    metavar="supervised | mlm | clm",
    help="Train on the labels of the task, on masked tokens or on the next token.",
)
@click.option(
    "--suite",
    default="",
    shell_complete=completion.suites,
    help="Train the missing checkpoints of a suite, such as checkpoints.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@set_option
@plugin_option
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option(
    "--threads", type=click.IntRange(1), default=1, show_default=True, help="Threads of every numeric library."
)
@verbosity_options
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
    """Train BACKBONE on the source domain of a task and save it as a checkpoint.

    The folder has the format of the backbone's library, such as config.json, model.safetensors and tokenizer.json, and
    a README.md on how the checkpoint was trained. Set training options with --set, such as --set source.steps=500.
    """
    from tlbench.planning.expand import Pretraining
    from tlbench.planning.fingerprints import resolve_device
    from tlbench.planning.settings import Settings

    arguments = (backbone, task, output)
    if any(arguments) if suite else not all(arguments):
        raise UsageError("Give BACKBONE, --task and --output, or only --suite.")
    one = Pretraining(name=output, backbone=backbone, task=task, objective=objective, seed=seed, overrides=overrides)
    requested = _of_suite(suite, overrides) if suite else [one]
    settings = Settings(device=resolve_device(device), threads=threads)
    settings.check_cache()
    display = progress(level())
    catalog = catalog_with(plugins, [display])
    try:
        models = [_train(one, catalog, settings) for one in requested]
    finally:
        display.close()
    if as_json:
        print_json(models)
        return
    for model in models:
        say(f"{model['metric']} on the source test split: {model['score']:.3f}")
        say(f"saved: {model['folder']}")
    if not models:
        say(f'All checkpoints of the suite "{suite}" exist.')


def _of_suite(suite: str, overrides: Mapping[str, str]) -> list[Pretraining]:
    """Return the missing checkpoints of a suite. Settings of the command line replace those of the suite."""
    from tlbench.assets.checkpoints import models_folder
    from tlbench.planning.suites import read_suite

    absent = [one for one in read_suite(suite).pretrain if not (models_folder() / one.name).exists()]
    return [dataclasses.replace(one, overrides={**one.overrides, **overrides}) for one in absent]


def _train(wanted: Pretraining, catalog: Catalog, settings: Settings) -> dict[str, Any]:
    from tlbench.contract.events import Event
    from tlbench.engine.pretraining import destination, plan_pretraining, pretrain

    folder = destination(wanted.name)
    pairing = plan_pretraining(wanted, catalog, settings)
    catalog.notify(Event(name="plan-started", total=1))
    catalog.notify(Event(name="pairing-started", pairing=f"{wanted.backbone} on {wanted.task}"))
    score = pretrain(pairing, settings, catalog.notify, folder)
    return {"folder": str(folder), "metric": pairing.task.metric, "score": score}
