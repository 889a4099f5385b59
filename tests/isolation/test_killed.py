"""A run that is killed or stopped at any moment is finished by the same command, and loses nothing."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from fakes.machine import FEW, Machine

WORDS = ("run", "--device", "cpu", "--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", *FEW)


def stages(machine: Machine) -> list[Path]:
    """Return the finished stages of the cache."""
    return sorted(path.parent for path in machine.cache.glob("*/*/*/stage.json"))


def processes(machine: Machine) -> list[str]:
    """Return the processes that have the machine's cache in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(machine.cache).encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def gone(machine: Machine) -> bool:
    """Say whether all processes of a run end by themselves."""
    until = time.monotonic() + 30
    while processes(machine) and time.monotonic() < until:
        time.sleep(0.1)
    return not processes(machine)


def give_work(machine: Machine, chance: random.Random, stage: float = 0.7) -> None:
    """Take a finished machine some of what it has: its board, and with a probability also a stage."""
    shutil.rmtree(machine.board, ignore_errors=True)
    if chance.random() < stage:
        folder = chance.choice(stages(machine))
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)
        shutil.rmtree(folder)


def kill_at_random(machine: Machine, times: int, longest: float) -> None:
    """Kill runs by SIGKILL: the command's process alone, or also the server and its children."""
    chance = random.Random(times)
    done = 0
    while done < times:
        process = machine.start(*WORDS, "--board", str(machine.board))
        try:
            process.wait(chance.uniform(0.05, longest))
            give_work(machine, chance)
        except subprocess.TimeoutExpired:
            others = processes(machine) if chance.random() < 0.5 else []
            process.kill()
            for other in others:
                try:
                    os.kill(int(other), signal.SIGKILL)
                except ProcessLookupError:
                    continue
            done += 1
        process.communicate()


@pytest.mark.parametrize("times", [6, pytest.param(200, marks=pytest.mark.long)])
def test_killed_runs_are_finished_by_the_next(isolated, undisturbed, times):
    machine = isolated(f"killed-{times}")
    machine.run(*WORDS[1:])
    give_work(machine, random.Random(0), stage=1.0)
    started = time.monotonic()
    machine.run(*WORDS[1:])  # Not the first run: most killed ones have less to do, and later moments would meet none.
    kill_at_random(machine, times, longest=time.monotonic() - started)
    assert gone(machine)
    # A day has passed: before, another run might be writing what is left.
    for left in (
        *machine.board.rglob(".tmp-*"),
        *machine.cache.glob("*/*/*.draft"),
        *machine.cache.glob("*/*/*.draft/*"),
    ):
        os.utime(left, (0, 0))
    done = machine.run(*WORDS[1:])
    assert done.returncode == 0, done.stderr
    assert machine.rows() == undisturbed.rows()
    assert {path.name for path in machine.board.rglob("*")} >= {path.name for path in undisturbed.board.glob("*.md")}
    assert not [*machine.board.rglob(".tmp-*"), *machine.cache.rglob(".tmp-*"), *machine.cache.rglob("*.draft")]


def test_rows_are_those_of_one_process(isolated, undisturbed):
    machine = isolated("inline")
    done = machine.run(*WORDS[1:], "--engine", "inline")
    assert (done.returncode, machine.rows()) == (0, undisturbed.rows())


def test_a_finished_plan_computes_nothing(undisturbed):
    done = undisturbed.run(*WORDS[1:])
    assert "0 stages computed" in done.stdout


@pytest.mark.parametrize(("number", "times", "status"), [(signal.SIGINT, 2, 130), (signal.SIGTERM, 1, 143)])
def test_a_signal_ends_every_process_and_keeps_what_is_finished(isolated, number, times, status):
    machine = isolated(f"stopped-{number.name}-{times}")
    process = machine.start(*WORDS, "--board", str(machine.board), "--set", "strategy.steps=100000")
    until = time.monotonic() + 120
    while not list(machine.cache.glob("adapt/*/*.draft")) and time.monotonic() < until:
        time.sleep(0.05)
    before = len(stages(machine))
    for _ in range(times):
        process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, "Stopped." in errors) == (status, True)
    assert gone(machine)
    assert len(stages(machine)) >= before > 0
    said = machine.call("status", "--board", str(machine.board)).stdout
    assert "interrupted" in said
