"""`tlbench status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from tlbench.cli.board import board_option
from tlbench.cli.output import print_json, print_table, say

SHOWN = 20
"""Pairings that are listed; the counts are of all."""


@click.command("status")
@board_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(board: Path, as_json: bool) -> None:
    """Show what the last plan of a board has, and what it lacks.

    Also while it runs, and after it was interrupted. Run the same command again to continue.

    \b
    State:
      ok, failed, skipped  as on the board
      without latency      scored; the latency is measured when all others are done
      running              now
      interrupted          its run ended while it ran
      died                 its process ended without a result; it is tried again
      not started          not begun
    """
    found = list(states(board))
    if as_json:
        print_json(found)
        return
    if not found:
        say(f'No plan was run on the board "{board}".')
        return
    counts = Counter(one["state"] for one in found)
    say(", ".join(f"{number} {state}" for state, number in counts.items()) + f" of {len(found)}")
    open_ = [one for one in found if one["state"] not in ("ok", "skipped")]
    if not any(one["reason"] for one in open_):
        open_ = [{name: value for name, value in one.items() if name != "reason"} for one in open_]
    if open_:
        print_table(open_[:SHOWN])
        if len(open_) > SHOWN:
            say(f"... and {len(open_) - SHOWN} more")


def states(board: Path) -> Iterator[dict[str, Any]]:
    """Yield each pairing of the last plan, with its shard if there are several, and what became of it."""
    from tlbench.assets.folders import cache_folder
    from tlbench.engine.journal import journal_folder, read_events, read_plan

    whole = journal_folder(cache_folder().absolute(), board.absolute())
    plans = {path: plan for path in sorted(whole.parent.glob("*/")) if (plan := read_plan(path))}
    # The last one says it: the whole plan, or its parts, which a run of the whole plan may follow.
    if whole in plans and plans[whole]["started"] == max(plan["started"] for plan in plans.values()):
        plans = {whole: plans[whole]}
    for own, plan in plans.items():
        last = {event.get("key"): event for event in read_events(own)}
        for pairing in plan["pairings"]:
            state = _state(board / "rows" / pairing["file"], last.get(pairing["key"], {}), _runs(plan))
            part = {"part": own.name} if own != whole else {}
            yield {"run": pairing["title"], **part, **state}


def _state(path: Path, event: Mapping[str, Any], runs: bool) -> dict[str, Any]:
    """Return what a row's file and the last event of its pairing say."""
    from tlbench.errors import StoreError
    from tlbench.results.row_files import read_row

    if event.get("event") == "started":
        return {"state": "running" if runs else "interrupted", "reason": None}
    try:
        row = read_row(path)
    except (OSError, StoreError):
        return {
            "state": "died" if event.get("event") == "died" else "not started",
            "reason": event.get("reason") or None,
        }
    if row.status == "ok" and row.latency is None:
        return {"state": "without latency", "reason": None}
    return {"state": row.status, "reason": row.reason}


def _runs(plan: dict[str, Any]) -> bool:
    """Say whether the process that wrote the plan is there; that of another machine is taken to be."""
    import os
    import platform

    if plan.get("host") != platform.node():
        return True
    try:
        os.kill(int(plan["process"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
