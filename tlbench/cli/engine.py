"""The options of `tlbench run` that say how pairings run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from tlbench.api.engines import ENGINES, TIMEOUT

OPTIONS = (
    click.option(
        "--engine",
        "name",
        type=click.Choice(ENGINES),
        help="local: each result in a process of its own; inline: all in this one, for a debugger; ray: on a Ray "
        "cluster.  [default: local]",
    ),
    click.option(
        "--jobs", type=click.IntRange(0), default=0, help="Results at a time.  [default: as cores and memory allow]"
    ),
    click.option("--timeout", type=float, default=TIMEOUT, show_default=True, help="Seconds that one result may take."),
    click.option(
        "--memory-limit",
        "memory",
        type=float,
        default=0.0,
        metavar="GIB",
        help="Memory that one result may take.  [default: its share of what is free]",
    ),
    click.option("--address", default="", help="Of a Ray cluster, or auto.  [default: a cluster on this machine]"),
    click.option(
        "--gpus", type=float, default=1.0, show_default=True, help="GPUs of a result on a Ray cluster; 0.5 for half."
    ),
    click.option(
        "--shard",
        default="",
        metavar="I/N",
        help="Run part I of N of the plan, without latencies; the command without it, run last, adds what is missing.",
    ),
    click.option("--retry", is_flag=True, help="Try results again whose processes ended too often."),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command; `tlbench.api.running.engine_of` takes their values."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
