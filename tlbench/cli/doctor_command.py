"""`tlbench doctor`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.cli.board import board_option
from tlbench.cli.output import print_facts, print_json, print_title, say

if TYPE_CHECKING:
    from tlbench.cli.health import Health


@click.command("doctor")
@board_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(board: Path, as_json: bool) -> None:
    """Say what this environment has and lacks: libraries, devices, folders, data, plugins.

    Exit status 1 where something keeps the suite `embedded` from running.
    """
    from rich.console import Console

    from tlbench.cli.health import examine
    from tlbench.planning.catalog import load_catalog

    with Console(stderr=True).status("Trying torch and ONNX Runtime"):
        health = examine(load_catalog(), board)
    print_json(dataclasses.asdict(health)) if as_json else _print(health)
    if health.fatal:
        sys.exit(1)


def _print(health: Health) -> None:
    for title, group in health.facts.items():
        print_title(title)
        print_facts(_in_words(group), indent="  ")
        say()
    found = {
        "to be mended before a run": health.fatal,
        "skipped by the suite embedded": health.skipped,
        "worth knowing": health.problems,
    }
    for title, sentences in found.items():
        if sentences:
            print_title(title)
            for sentence in sentences:
                say(f"  - {sentence}")
            say()
    if not health.fatal:
        tasks, skipped = health.facts["suite embedded"].values()
        say(f"The suite embedded runs here: {tasks - skipped} of {tasks} tasks, {skipped} skipped.")


def _in_words(group: Any) -> dict[str, Any]:
    """Return a group of facts as names and texts."""
    if isinstance(group, list):
        return {"": ", ".join(group)}
    facts: dict[str, Any] = {}
    for name, value in group.items():
        if name == "providers":
            facts |= {provider: f"no: {reason}" if reason else "loads" for provider, reason in value.items()}
        elif name == "stages":
            facts[name] = ", ".join(f"{count} {stage}" for stage, count in value.items() if count)
        else:
            facts[name.removesuffix("_bytes").replace("_", " ")] = _word(name, value)
    return facts


def _word(name: str, value: Any) -> str:
    from rich.filesize import decimal

    if name.endswith("bytes"):
        return decimal(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
