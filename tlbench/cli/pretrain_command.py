"""`tlbench pretrain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from tlbench.cli import completion
from tlbench.cli.catalog import catalog_with, plugin_option
from tlbench.cli.output import print_json
from tlbench.cli.progress import progress
from tlbench.cli.settings import set_option


@click.command("pretrain")
@click.argument("backbone", shell_complete=completion.names_of("backbones"))
@click.option(
    "--task",
    required=True,
    shell_complete=completion.names_of("tasks"),
    help="Task whose source side is learnt from; its target is not read.",
)
@click.option(
    "-o",
    "--output",
    required=True,
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
    from tlbench.events import Event
    from tlbench.identity import resolve_device
    from tlbench.plan import Settings
    from tlbench.pretraining import destination, plan_pretraining, pretrain

    folder = destination(output)
    settings = Settings(device=resolve_device(device), threads=threads)
    display = progress()
    catalog = catalog_with(plugins, [display])
    pairing = plan_pretraining(task, backbone, objective, seed, overrides, catalog, settings)
    catalog.notify(Event(name="plan-started", total=1))
    catalog.notify(Event(name="pairing-started", pairing=f"{backbone} on {task}"))
    try:
        score = pretrain(pairing, settings, catalog.notify, folder)
    finally:
        display.close()
    if as_json:
        print_json({"folder": str(folder), "metric": pairing.task.metric, "score": score})
    else:
        click.echo(f"{pairing.task.metric} on the held-out part of the source: {score:.3f}")
        click.echo(f"saved: {folder}")
