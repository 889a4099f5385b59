from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from tlbench.api import progress
from tlbench.contract.events import Event

ROW = SimpleNamespace(status="ok", reason=None, task="toy/blobs", strategy="finetune", score=0.75)
TITLE = "toy/blobs finetune seed 0"


def play(listener, *, cached: bool = False, row=ROW) -> None:
    """Send the events of a plan of one pairing."""
    listener.tlbench_event(Event(name="plan-started", total=1))
    listener.tlbench_event(Event(name="pairing-started", pairing=TITLE))
    if not cached:
        listener.tlbench_event(Event(name="stage-started", pairing=TITLE, stage="adapt"))
        listener.tlbench_event(Event(name="step", pairing=TITLE, stage="adapt", done=25, total=50))
    listener.tlbench_event(Event(name="stage-finished", pairing=TITLE, stage="adapt", seconds=1.25, cached=cached))
    listener.tlbench_event(Event(name="pairing-finished", pairing=TITLE, done=1, total=1, values={"row": row}))
    listener.tlbench_event(Event(name="plan-finished"))
    listener.close()


def test_a_line_for_a_computed_pairing(capsys):
    play(progress.PlainProgress())
    assert capsys.readouterr().err == "[1/1] toy/blobs finetune seed 0: 1.2 CPU s\n"


def test_no_line_for_a_cached_pairing(capsys):
    play(progress.PlainProgress(), cached=True)
    assert capsys.readouterr().err == ""


def test_a_failure_is_told_at_once(capsys):
    play(progress.PlainProgress(), cached=True, row=SimpleNamespace(status="failed", reason="The loss is nan."))
    assert "failed: The loss is nan." in capsys.readouterr().err


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal of 100 columns would show."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    monkeypatch.setattr("rich.console.Console", lambda **options: console)
    return screen


def test_a_live_table_shows_pairing_stage_steps_and_mean(terminal):
    play(progress.TerminalProgress())
    assert "0.750" in terminal.getvalue()
    assert "toy/blobs finetune seed 0" in terminal.getvalue()
    assert "adapt" in terminal.getvalue()


def test_no_bar_where_nothing_is_computed(terminal):
    play(progress.TerminalProgress(), cached=True)
    assert terminal.getvalue() == ""


def test_a_skipped_pairing_is_no_news(capsys):
    """The plan said so before, and the summary says it after."""
    play(progress.PlainProgress(), cached=True, row=SimpleNamespace(status="skipped", reason="no BatchNorm"))
    assert capsys.readouterr().err == ""
