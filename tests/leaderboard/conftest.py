from __future__ import annotations

import sys

import pytest

from tlbench import cli
from tlbench.results.row import Row


@pytest.fixture
def tlbench_command(monkeypatch, capsys):
    """Call `tlbench` in this process; return (status, standard output, errors)."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["tlbench", *map(str, words)])
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def row(blobs, settings):
    """Make an ok row of a strategy with some access."""

    def make(strategy: str, seed: int, score: float | None, access=("target-labels",), **changes) -> Row:
        fields = {**blobs.row_fields(settings), "strategy": strategy, "seed": seed, "access": access}
        interval = {} if score is None else {"score_low": score - 0.02, "score_high": score + 0.02, "test_size": 100}
        filled = {
            "status": "ok",
            "score": score,
            "seconds": {"adapt": 1.5},
            "p50_ms": 0.5,
            "p50_ratio": 2.0,
            **interval,
        }
        return Row(**{**fields, **filled, **changes})

    return make
