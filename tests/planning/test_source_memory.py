"""Code has the identity that it has without a memory, whatever the memory holds."""

from __future__ import annotations

import pytest

from tlbench.planning import module_source
from tlbench.planning.code import code_of


def identity_of(name: str) -> str:
    """Return the identity of a function, read as a new process reads it."""
    from tlbench.engine.pipeline import PIPELINE

    module_source._parse.cache_clear()
    stage = next(stage for stage in PIPELINE if stage.name == name)
    return code_of(stage.compute).identity()["code"]


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path))
    yield tmp_path / "code"
    module_source._parse.cache_clear()


def test_what_is_remembered_has_the_same_identity(memory):
    first = identity_of("latency")
    assert len(list(memory.glob("*.json"))) > 3
    assert identity_of("latency") == first


def test_a_damaged_memory_is_found_again(memory):
    first = identity_of("latency")
    for path in memory.glob("*.json"):
        content = bytearray(path.read_bytes())
        content[-10] ^= 1
        path.write_bytes(content)
    assert identity_of("latency") == first


def test_another_version_of_what_reads_sources_has_a_memory_of_its_own(memory, monkeypatch):
    identity_of("latency")
    before = set(memory.glob("*.json"))
    monkeypatch.setattr("tlbench.planning.source_memory._readers", lambda: "another")
    identity_of("latency")
    assert len(set(memory.glob("*.json"))) == 2 * len(before)


def test_a_cache_that_cannot_be_written_is_done_without(memory):
    memory.parent.joinpath("code").write_text("a file")
    assert identity_of("latency")
