"""A board of one task with groups, and a forger who writes digests and hashes anew."""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support import SOURCES, only, plan_only

from tlbench.contract.specs import TaskSpec
from tlbench.engine.runner import run
from tlbench.leaderboard.render import render
from tlbench.planning.catalog import load_catalog
from tlbench.planning.discovery import plugin_file
from tlbench.planning.settings import Settings
from tlbench.results.files import file_sha256
from tlbench.results.row import Row, write_row
from tlbench.results.row_files import read_rows
from tlbench.verification.scores import GROUP_FIELDS, Stored, computed, varied

TASK = "toy/speakers"


@pytest.fixture(scope="package")
def speakers(toy_site):
    """The catalog with a task whose test examples come from speakers."""
    yield load_catalog(also=[plugin_file(SOURCES / "speakers.py")])
    sys.modules.pop("speakers", None)


@pytest.fixture(scope="package")
def run_on(speakers, session_cache):
    """Run the task of the tests on a board and render its pages; return the board."""

    def runs(board: Path) -> Path:
        settings = Settings(cache=session_cache, board=board, data_root=None)
        asked = {"tasks": [TASK], "strategies": ["finetune"], "references": ("source-only", "scratch", "all-labels")}
        plan = plan_only(speakers, settings, **asked, overrides={"source.steps": 20, "strategy.steps": 20})
        run(plan, speakers, settings)
        render(board, list(read_rows(board)))
        return board

    return runs


@pytest.fixture(scope="package")
def published(run_on, tmp_path_factory):
    """A board with its pages, as a run leaves it."""
    return run_on(tmp_path_factory.mktemp("published"))


@dataclass
class Forger:
    """Changes a board so that every digest and hash fits."""

    board: Path
    task: TaskSpec

    def row(self, strategy: str = "finetune") -> Row:
        """Return the row of a strategy."""
        return only(list(read_rows(self.board)), strategy=strategy)

    def path(self, strategy: str = "finetune") -> Path:
        """Return its file."""
        return self.board / "rows" / self.row(strategy).file_name

    def write(self, row: Row) -> Path:
        """Write a row with its digest."""
        return write_row(self.board, row)

    def change(self, strategy: str = "finetune", **fields) -> None:
        """Change fields of a row."""
        self.write(dataclasses.replace(self.row(strategy), **fields))

    def arrays(self, strategy: str = "finetune") -> dict[str, np.ndarray]:
        """Return the predictions of a row."""
        with np.load(self.path(strategy).with_suffix(".npz"), allow_pickle=False) as arrays:
            return dict(arrays)

    def save(self, arrays, strategy: str = "finetune") -> None:
        """Write other predictions beside a row, with their hash on it."""
        row, path = self.row(strategy), self.path(strategy).with_suffix(".npz")
        np.savez_compressed(path, **arrays)
        self.hashed(path, row)

    def save_scored(self, arrays) -> None:
        """Write other predictions with every score that they have, before adaptation and after."""
        row = self.row()
        fields, draws = computed(Stored(arrays), self.task)
        before, (source, _) = row.score_matrix
        fields |= {name: fields.get(name) for name in GROUP_FIELDS}
        fields |= varied(Stored(arrays), row, self.task)
        fields |= {"eager_score": fields["score"], "score_matrix": (before, (source, fields["score"]))}
        self.write(dataclasses.replace(row, **fields))
        self.save({**arrays, "draws": draws.astype(np.float32)})

    def hashed(self, path: Path, row: Row) -> None:
        """Put the hash of a file of predictions on a row."""
        kept = {"predictions_sha256": file_sha256(path), "predictions_bytes": path.stat().st_size}
        self.write(dataclasses.replace(row, **kept))

    def latency(self, **values) -> None:
        """Change the latency file that the rows share."""
        (path,) = (self.board / "latency").glob("*.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.fixture
def forger(published, speakers, tmp_path):
    """A forger with a copy of the board."""
    return Forger(shutil.copytree(published, tmp_path / "forged"), speakers.task(TASK))
