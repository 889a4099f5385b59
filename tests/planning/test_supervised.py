"""A child that loads plugins, whose code may fork or write to the connection."""

from __future__ import annotations

import time

import pytest

from tlbench.planning import supervised
from tlbench.planning.supervised import Supervised

CHILD = """
import os, sys, time
from tlbench.planning.supervised import inherited

channel, message = inherited()
channel.send({"loading": "mine"})
if not os.fork():
    time.sleep(60)
channel.send({"loading": ""})
channel.send({"copy": True})
os._exit(0)
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    (tmp_path / "forking_child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(supervised, "LOOK", 0.1)
    return Supervised


def test_a_copy_of_a_child_that_ended_is_not_waited_for_and_is_ended(child):
    messages = []
    started = time.monotonic()
    ending = child("forking_child", on_message=messages.append, options={"start_new_session": True}).run({})
    assert (ending.status, ending.plugin, messages) == (0, "", [{"copy": True}])
    assert time.monotonic() - started < 30
