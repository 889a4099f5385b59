"""A plan that several processes or nodes share leaves the rows of one, also where some of them are lost."""

from __future__ import annotations

import signal
import time

import pytest
from fakes.machine import FEW

WORDS = ("--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", *FEW)


def wait_for(found, seconds: float = 120.0) -> None:
    """Wait until something is there."""
    until = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_shards_at_once_of_which_one_is_killed_leave_the_rows_of_one_run(isolated, undisturbed):
    machine = isolated("shards")
    words = ("run", "--device", "cpu", "--board", str(machine.board), "--jobs", "1", *WORDS)
    started = [machine.start(*words, "--shard", f"{number}/4") for number in (1, 2, 3, 4)]
    wait_for(lambda: list(machine.cache.glob("source/*/*.draft")) or list(machine.cache.glob("source/*/*/stage.json")))
    started[1].send_signal(signal.SIGKILL)
    ended = [process.communicate(timeout=300) and process.returncode for process in started]
    assert ended == [0, -signal.SIGKILL, 0, 0]
    assert "without latency" in machine.call("status", "--board", str(machine.board)).stdout
    assert machine.call(*words, "--shard", "2/4").returncode == 0
    done = machine.call(*words)
    assert (done.returncode, machine.rows()) == (0, undisturbed.rows())
    assert "7 ok of 7" in machine.call("status", "--board", str(machine.board)).stdout
    # A part that runs once more leaves the latencies that are there.
    assert machine.call(*words, "--shard", "2/4").returncode == 0
    assert all(row["provider"] for row in machine.rows().values())


@pytest.mark.parametrize("shard", ["0/4", "5/4", "1", "a/b", "1/0"])
def test_a_shard_is_one_of_so_many(isolated, shard):
    done = isolated("no-shard").run(*WORDS, "--shard", shard)
    assert (done.returncode, "I/N" in done.stderr) == (2, True)


def test_a_cluster_that_loses_two_nodes_leaves_the_rows_of_one_machine(isolated, undisturbed, monkeypatch):
    pytest.importorskip("ray", reason='Ray is not installed: pip install "tlbench[ray]"')
    from ray.cluster_utils import Cluster

    machine = isolated("cluster")
    monkeypatch.setenv("PYTHONPATH", str(machine.site))
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        removed, killed = cluster.add_node(num_cpus=1), cluster.add_node(num_cpus=1)
        process = machine.start(
            *("run", "--engine", "ray", "--address", cluster.address, "--device", "cpu"),
            *("--board", str(machine.board), *WORDS),
        )
        wait_for(lambda: list(machine.cache.glob("source/*/*/stage.json")))
        cluster.remove_node(removed, allow_graceful=True)
        wait_for(lambda: list(machine.cache.glob("adapt/*/*/stage.json")))
        cluster.remove_node(killed, allow_graceful=False)
        _, errors = process.communicate(timeout=300)
    finally:
        cluster.shutdown()
    assert process.returncode == 0, errors
    assert machine.rows() == undisturbed.rows()
    assert "ray::" not in errors


def test_a_cluster_without_the_processors_of_a_task_is_refused_before_anything_runs(isolated, monkeypatch):
    pytest.importorskip("ray", reason='Ray is not installed: pip install "tlbench[ray]"')
    done = isolated("small").run(
        *WORDS, "--engine", "ray", "--jobs", "1", "--device", "cpu", "--address", "127.0.0.1:9"
    )
    assert (done.returncode, "no Ray cluster" in done.stderr) == (2, True)
