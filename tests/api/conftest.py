"""The Python API, called in a folder of the test's own with the toy plugin."""

from __future__ import annotations

import functools

import pytest

import tlbench


@pytest.fixture
def run(tmp_path, monkeypatch, toy_site, session_cache):
    """`tlbench.run` on the toy with one seed and few steps, unless a test says otherwise."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TLBENCH_DATA", raising=False)
    few = {"source.steps": 8, "strategy.steps": 2}
    return functools.partial(tlbench.run, "toy/blobs", seeds=1, options=few, device="cpu", board="board")
