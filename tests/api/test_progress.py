from __future__ import annotations

import io
import logging
from types import SimpleNamespace

import pytest
from rich.console import Console

from tlbench.api.display import Display
from tlbench.api.live import TerminalProgress
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
    play(Display())
    assert capsys.readouterr().err == "[1/1] toy/blobs finetune seed 0: 1.2 CPU s\n"


def test_no_line_for_a_cached_pairing(capsys):
    play(Display(), cached=True)
    assert capsys.readouterr().err == ""


def test_a_failure_is_told_at_once(capsys):
    play(Display(), cached=True, row=SimpleNamespace(status="failed", reason="The loss is nan."))
    assert "failed: The loss is nan." in capsys.readouterr().err


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal of 100 columns would show."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100)
    monkeypatch.setattr("rich.console.Console", lambda **options: console)
    return screen


def test_a_live_table_shows_pairing_stage_steps_and_mean(terminal):
    play(TerminalProgress())
    assert "0.750" in terminal.getvalue()
    assert "toy/blobs finetune seed 0" in terminal.getvalue()
    assert "adapt" in terminal.getvalue()


def test_no_bar_where_nothing_is_computed(terminal):
    play(TerminalProgress(), cached=True)
    assert terminal.getvalue() == ""


def test_a_skipped_pairing_is_no_news(capsys):
    """The plan said so before, and the summary says it after."""
    play(Display(), cached=True, row=SimpleNamespace(status="skipped", reason="no BatchNorm"))
    assert capsys.readouterr().err == ""


def test_a_section_is_wrapped_and_silenced(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    table = "a   b   c"
    for level in (logging.INFO, logging.ERROR):
        Display(level).section("Plan", ["one two three four five six seven eight", table])
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"\nPlan\n  one two three four five six seven\n    eight\n  {table}\n")
    Display().section("Advice", ["frozen"], result=True)
    assert capsys.readouterr() == ("\nAdvice\n  frozen\n", "")


def test_stages_and_tracebacks_are_details(capsys):
    failed = SimpleNamespace(status="failed", reason="The loss is nan.")
    for level in (logging.DEBUG, logging.INFO):
        display = Display(level)
        display.tlbench_event(Event(name="pairing-started", pairing=TITLE))
        display.tlbench_event(Event(name="stage-finished", pairing=TITLE, stage="prepare", cached=True))
        values = {"row": failed, "traceback": "Traceback: here"}
        display.tlbench_event(Event(name="pairing-finished", pairing=TITLE, done=1, total=1, values=values))
        err = capsys.readouterr().err
        assert ("prepare from cache" in err, "Traceback: here" in err) == (level == logging.DEBUG,) * 2
        assert "failed: The loss is nan." in err
