"""Fixtures of the whole suite: a site folder with the toy plugin, cache folders, real data, and the rule for GPUs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from support import Environment, install, plan_only, silent

from tlbench.engine.runner import Outcome, run
from tlbench.planning import fingerprints
from tlbench.planning.catalog import Catalog, load_catalog
from tlbench.planning.plan import Pairing, Plan
from tlbench.planning.settings import Settings

if TYPE_CHECKING:
    from tlbench.engine.prepared import Prepared
    from tlbench.learning.model import TransferModel


def pytest_configure(config: pytest.Config) -> None:
    # Before numpy and torch are loaded: bits depend on the number of threads, and a shared machine's speed too.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    # The same examples in every run, however busy the machine is.
    hypothesis.settings.register_profile("tests", deadline=None, derandomize=True)
    hypothesis.settings.load_profile("tests")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("long") and "long" not in item.config.getoption("markexpr"):
        pytest.skip("takes an hour: run it with -m long")
    if item.get_closest_marker("gpu") and not fingerprints.graphics():
        pytest.skip("no CUDA device is visible")


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of everything that is not told otherwise: never the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLBENCH_CACHE", str(folder))
        # What pairings compute is tested in this process; tests/isolation starts others.
        patch.setenv("TLBENCH_ENGINE", "inline")
        yield folder


@pytest.fixture(scope="session")
def data_root() -> Path:
    """The folder of the real data."""
    folder = os.environ.get("TLBENCH_DATA")
    if not folder:
        pytest.skip("TLBENCH_DATA is not set: this test reads real data")
    return Path(folder)


@pytest.fixture(scope="session")
def toy_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A site folder with the distribution `tlbench-toy`, on the import path."""
    site = tmp_path_factory.mktemp("site")
    install(site, "tlbench-toy", {"toy": "tlbench.testing.toy.plugin"})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        yield site


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtual environment of the module's own, into which its tests install plugins."""
    for tool in ("pip", "hatchling", "editables"):
        pytest.importorskip(tool)
    return Environment.make(tmp_path_factory.mktemp("environment"))


@pytest.fixture
def site(tmp_path: Path, toy_site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty site folder on the import path, beside the toy plugin; what was imported from it is forgotten."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture(scope="session")
def catalog(toy_site: Path) -> Catalog:
    """The catalog of the shipped plugins and the toy."""
    return load_catalog()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A cache and a board of the test's own, and no real data."""
    return Settings(cache=tmp_path / "cache", board=tmp_path / "board", data_root=None)


@pytest.fixture
def shared_settings(tmp_path: Path, session_cache: Path) -> Settings:
    """A board of the test's own, and the cache that the session's tests share: what one computed, the next finds."""
    return Settings(cache=session_cache, board=tmp_path / "board", data_root=None)


Runs = Callable[..., Outcome]


@pytest.fixture
def run_pairings(shared_settings: Settings) -> Runs:
    """Plan and run a request: `run_pairings(catalog, tasks=["toy/blobs"])`."""

    def runs(catalog: Catalog, **run_request: object) -> Outcome:
        plan = plan_only(catalog, shared_settings, **run_request)
        return run(plan, catalog, shared_settings)

    return runs


@pytest.fixture
def plan_of(settings: Settings) -> Callable[..., Plan]:
    """Plan a request: `plan_of(catalog, tasks=["toy/blobs"])`."""

    def plans(catalog: Catalog, **run_request: object) -> Plan:
        return plan_only(catalog, settings, **run_request)

    return plans


@pytest.fixture
def blobs(catalog: Catalog, settings: Settings) -> Pairing:
    """The pairing (toy/blobs, toy/mlp, finetune, 0)."""
    (pairing,) = plan_only(catalog, settings, tasks=["toy/blobs"], strategies=["finetune"]).pairings
    return pairing


@pytest.fixture
def pairing_of(catalog: Catalog, plan_of: Callable[..., Plan]) -> Callable[..., Pairing]:
    """Returns the one pairing of a task and a strategy."""

    def pairing(task: str, strategy: str = "finetune", **run_request: object) -> Pairing:
        (found,) = plan_of(catalog, tasks=[task], strategies=[strategy], **run_request).pairings
        return found

    return pairing


@pytest.fixture
def prepare_in(tmp_path: Path, settings: Settings) -> Callable[..., Prepared]:
    """Prepares a pairing in a folder of its own."""
    from tlbench.engine.prepared import prepare

    def prepared(pairing: Pairing, name: str = "prepared") -> Prepared:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return prepare(pairing, folder)

    return prepared


@pytest.fixture
def source_of(prepare_in: Callable[..., Prepared]) -> Callable[[Pairing], tuple[Prepared, TransferModel]]:
    """Prepares a pairing and trains its source model."""
    from tlbench.engine.source_model import train_source

    def made(pairing: Pairing) -> tuple[Prepared, TransferModel]:
        prepared = prepare_in(pairing)
        return prepared, train_source(pairing, prepared, "cpu", silent)

    return made
