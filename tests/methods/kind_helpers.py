"""Runs of plugins in single files, through the public functions, for `test_own_kinds.py`."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner
from support import plan_only

import tlbench
from tlbench.cli.export_command import command as export_command
from tlbench.engine.runner import run
from tlbench.planning.catalog import Catalog, load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.planning.settings import Settings
from tlbench.testing.toy import toy_candidate

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """A plugin with its task, and by how much all labels must be better than a constant prediction."""

    plugin: str
    task: str
    margin: float
    strategies: tuple[str, ...] = ("finetune",)
    backbone: str = ""

    @property
    def path(self) -> Path:
        return HERE / f"{self.plugin}.py"

    @property
    def module(self) -> Any:
        """The plugin's module, as tlbench imports it."""
        plugin_file(self.path).load()
        return importlib.import_module(self.plugin)

    def catalog(self) -> Catalog:
        return load_catalog(also=[toy_candidate(), plugin_file(self.path)])

    def run(self, board: Path, **arguments: Any) -> list[Any]:
        """Return the rows of the strategies and of all baselines, with seed 0."""
        wanted = {"strategies": self.strategies, "backbone": self.backbone or (), **arguments}
        return list(tlbench.run(self.task, plugins=[self.path], seeds=1, device="cpu", board=board, **wanted))

    def train_anew(self, folder: Path) -> Any:
        """Return the row of the first strategy, computed with a cache of its own."""
        catalog, settings = self.catalog(), Settings(cache=folder / "cache", board=folder / "board", data_root=None)
        request = {"tasks": [self.task], "strategies": [self.strategies[0]]}
        backbones = {"backbones": [self.backbone]} if self.backbone else {}
        (row,) = run(plan_only(catalog, settings, **request, **backbones), catalog, settings).rows
        return row

    def export(self, row: Any, board: Path, folder: Path) -> subprocess.CompletedProcess[str]:
        """Export a row by the command line, and return what the export says of itself."""
        words = [row.key, "-o", str(folder), "--board", str(board), "--plugin", str(self.path)]
        done = CliRunner().invoke(export_command, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return check_export(folder)


def check_export(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `predict.py --check` of an exported model."""
    words = [sys.executable, "-B", "predict.py", "--check"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def stored(board: Path, row: Any) -> dict[str, np.ndarray]:
    """Return the predictions that lie beside a row on the board."""
    (path,) = board.rglob(f"{Path(row.file_name).stem}.npz")
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def edit_distance(found: list[int], wanted: list[int]) -> int:
    """Return the least number of insertions, deletions and substitutions, by their definition."""
    if not found or not wanted:
        return len(found) + len(wanted)
    rest = edit_distance(found[1:], wanted[1:])
    if found[0] == wanted[0]:
        return rest
    return 1 + min(rest, edit_distance(found[1:], wanted), edit_distance(found, wanted[1:]))
