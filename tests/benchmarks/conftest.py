"""The benchmarks' fixtures, and the table of what was measured against the goals.

    pytest tests/benchmarks --benchmark-only

CPU seconds of one thread, contenders in turn in one process, medians of five rounds. Nothing is asserted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from contest import Line
from support import install
from tabulate import tabulate
from track import Track

from tlbench.planning.catalog import Catalog, load_catalog

LINES = pytest.StashKey[list[Line]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LINES] = []
    # Its own table times whole rounds, of all contenders together.
    config.option.benchmark_quiet = True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := sorted(config.stash[LINES], key=lambda line: line.goal):
        rows = [line.cells() for line in lines]
        terminalreporter.section("goals: CPU time of one thread, medians")
        terminalreporter.write_line(tabulate(rows, headers="keys", tablefmt="simple", floatfmt=".3f", missingval=""))


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Callable[[Line], None]:
    """Puts a line into the table."""
    return request.config.stash[LINES].append


@pytest.fixture(scope="session")
def bench_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site folder with the benchmarks' own task and backbone, on the import path."""
    site = tmp_path_factory.mktemp("bench-site")
    install(site, "tlbench-bench", {"bench": "tlbench_bench.plugin"})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        yield site


@pytest.fixture(scope="session")
def bench_catalog(bench_site: Path) -> Catalog:
    return load_catalog()


@pytest.fixture(scope="session")
def track(bench_catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Track:
    """ResNet-18 on 1,437 images of 32 x 32 pixels."""
    return Track(bench_catalog, "bench/digits", tmp_path_factory.mktemp("track"))
