"""`tlbench advise TASK --backbones A,B`: estimates of each backbone before training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from tlbench.cli.output import print_json, print_table, print_title, say_wrapped
from tlbench.errors import UsageError


def print_estimates(
    tasks: Sequence[str],
    backbones: Sequence[str],
    board: Path,
    budget: str,
    seed: int,
    overrides: Mapping[str, str],
    plugins: Sequence[Path],
    as_json: bool,
) -> None:
    """Print a table of backbones, the orders that it gives, and how they agreed with scores on the board."""
    from tlbench.api import backbone_advice
    from tlbench.api.progress import progress
    from tlbench.cli.verbosity import level
    from tlbench.engine.backbone_estimates import estimate_backbones, plan_estimates
    from tlbench.planning.fingerprints import resolve_device
    from tlbench.planning.named_files import catalog_with
    from tlbench.planning.settings import Settings
    from tlbench.results.row_files import read_rows

    if len(tasks) != 1 or len(backbones) < 2:
        raise UsageError("--backbones ranks backbones for one task: name one TASK and two backbones or more.")
    settings = Settings(device=resolve_device("auto"), threads=1)
    settings.check_cache()
    display = progress(level())
    try:
        catalog = catalog_with(plugins, [display])
        pairings = plan_estimates(tasks[0], backbones, budget, seed, overrides, catalog, settings)
        found = list(estimate_backbones(pairings, settings, catalog))
    finally:
        display.close()
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    print_title(f"{tasks[0]}: which backbone?")
    print_table(backbone_advice.table(found))
    for line in backbone_advice.remarks(found, tasks[0], list(read_rows(board))):
        say_wrapped(line)
    if all(one.failed for one in found):
        raise UsageError("No backbone could be estimated.")
