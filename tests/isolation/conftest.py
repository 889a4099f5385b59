"""Machines of tests: each with the toy, and with plugins of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fakes.machine import FEW, Machine
from support import install


@pytest.fixture(scope="session")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Machine]:
    """Makes a machine of a name."""
    site = tmp_path_factory.mktemp("isolated-site")
    install(site, "tlbench-toy", {"toy": "tlbench.testing.toy.plugin"})
    return lambda name: Machine(root=tmp_path_factory.mktemp(name), site=site)


@pytest.fixture(scope="session")
def undisturbed(isolated: Callable[[str], Machine]) -> Machine:
    """A board of which nothing went wrong."""
    machine = isolated("undisturbed")
    done = machine.run("--task", "toy/blobs", "--strategy", "finetune", "--strategy", "frozen", *FEW)
    assert done.returncode == 0, done.stderr
    return machine
