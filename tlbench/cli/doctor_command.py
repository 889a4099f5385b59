"""`tlbench doctor`."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tlbench.cli import completion
from tlbench.cli.board import board_option
from tlbench.cli.output import print_facts, print_json, print_title, say

if TYPE_CHECKING:
    from tlbench.cli.health import Health

LABELS = {
    "graphics": "GPU",
    "processor": "CPU",
    "built_for": "built for",
    "runs_on_graphics": "runs on the GPU",
    "size_bytes": "size",
    "free_bytes": "free space",
}
"""What facts are called on a terminal; others keep their name in JSON."""


@click.command("doctor")
@board_option
@click.option(
    "--suite",
    default="embedded",
    show_default=True,
    shell_complete=completion.suites,
    help="Suite that is to run: a name or a TOML file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(board: Path, suite: str, as_json: bool) -> None:
    """Check the environment: libraries, devices, folders, plugins, and the data of a suite.

    Exit status 1: the suite cannot run.
    """
    from rich.console import Console

    from tlbench.cli.health import examine
    from tlbench.planning.catalog import load_catalog
    from tlbench.planning.suites import read_suite

    with Console(stderr=True).status("Testing torch and ONNX Runtime"):
        health = examine(load_catalog(), board, read_suite(suite))
    print_json(dataclasses.asdict(health)) if as_json else _print(health)
    if health.fatal:
        sys.exit(1)


def _print(health: Health) -> None:
    for title, group in health.facts.items():
        print_title(title)
        print_facts(_in_words(group), indent="  ")
        say()
    findings = {
        "errors": health.fatal,
        f"skipped in the suite {health.facts['suite']['name']}": health.skipped,
        "warnings": health.problems,
    }
    for title, sentences in findings.items():
        if sentences:
            print_title(title)
            for sentence in sentences:
                say(f"  - {sentence}")
            say()
    name, tasks, skipped = health.facts["suite"].values()
    if health.fatal:
        say(f"The suite {name} cannot run: see the errors above.")
    else:
        say(f"The suite {name} can run: {tasks - skipped} of {tasks} tasks, {skipped} skipped.")


def _in_words(group: Any) -> dict[str, Any]:
    """Return a group of facts as names and texts."""
    if isinstance(group, list):
        return {"": ", ".join(group)}
    facts: dict[str, Any] = {}
    for name, value in group.items():
        if name == "providers":
            facts |= {provider: f"fails: {reason}" if reason else "works" for provider, reason in value.items()}
        elif name == "stages":
            facts[name] = ", ".join(f"{count} {stage}" for stage, count in value.items() if count)
        else:
            facts[LABELS.get(name, name)] = _word(name, value)
    return facts


def _word(name: str, value: Any) -> str:
    from rich.filesize import decimal

    if name.endswith("bytes"):
        return decimal(value)
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
