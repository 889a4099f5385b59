"""The command line, called in this process."""

from __future__ import annotations

import sys

import pytest

from tlbench import cli


@pytest.fixture
def tlbench(tmp_path, monkeypatch, toy_site, session_cache, capsys):
    """Call the command line in this process, in a folder of its own; return (status, standard output, errors)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TLBENCH_DATA", raising=False)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tlbench", *words])
        status = 0
        try:
            cli.main()
        except SystemExit as stop:
            status = int(stop.code or 0)
        output, errors = capsys.readouterr()
        return status, output, errors

    return call
