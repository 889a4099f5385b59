"""A plugin that receives events has a child of its own, and how it ends is told."""

from __future__ import annotations

import pytest

from tlbench.contract.events import Event
from tlbench.engine.planned import PlanRequest
from tlbench.engine.trackers import Tracker
from tlbench.planning.discovery import plugin_file
from tlbench.planning.settings import Settings

LISTENER = """
import os
from tlbench import hookimpl

TLBENCH_API = 2

@hookimpl
def tlbench_event(event):
    {}
"""


@pytest.fixture
def told(tmp_path):
    """Send events to a listener that does `code` for each, and return what is said of it."""

    def send(code, *names):
        file = tmp_path / f"listens_{tmp_path.name}.py"
        file.write_text(LISTENER.format(code))
        request = PlanRequest(runs=(), settings=Settings(cache=tmp_path, board=tmp_path), plugins=(file,))
        said = []
        tracker = Tracker(str(plugin_file(file).origin), request, said.append)
        for name in names:
            tracker(Event(name=name))
        tracker.close()
        return said

    return send


@pytest.mark.parametrize(
    ("code", "ending"), [("os._exit(0)", "status 0"), ("os._exit(3)", "status 3"), ("os.abort()", "SIGABRT")]
)
def test_a_listener_that_ends_its_process_at_the_last_event_is_told_of(told, code, ending):
    (said,) = told(code, "plan-finished")
    assert "listens_" in said
    assert ending in said


def test_events_arrive_that_were_sent_while_the_child_started(told, tmp_path):
    names = ["plan-started", "pairing-started", "plan-finished"]
    assert told(f"open({str(tmp_path / 'seen')!r}, 'a').write(event.name + chr(10))", *names) == []
    assert (tmp_path / "seen").read_text().split() == names
