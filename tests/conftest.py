"""Fixtures of the whole suite: a site folder with the toy plugin, cache folders, real data, and the rule for GPUs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import install

from tlbench import identity
from tlbench.plan import Pairing, Plan, Settings
from tlbench.planning import Wish, make_plan
from tlbench.plugins import Catalog, load_catalog
from tlbench.runner import Outcome, run


def pytest_configure(config: pytest.Config) -> None:
    # Before numpy and torch are loaded: bits depend on the number of threads, and a shared machine's speed too.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("gpu") and not identity.graphics():
        pytest.skip("no CUDA device is visible")


@pytest.fixture(scope="session", autouse=True)
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of everything that is not told otherwise: never the user's own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TLBENCH_CACHE", str(folder))
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
    install(site, "tlbench-toy", {"toy": "tlbench_toy.plugin"})
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        yield site


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
def run_wish(shared_settings: Settings) -> Runs:
    """Plan and run a wish: `run_wish(catalog, tasks=["toy/blobs"])`."""

    def runs(catalog: Catalog, **wish: object) -> Outcome:
        plan = make_plan(Wish(**wish), catalog, shared_settings)
        return run(plan, catalog, shared_settings)

    return runs


@pytest.fixture
def plan_wish(settings: Settings) -> Callable[..., Plan]:
    """Plan a wish: `plan_wish(catalog, tasks=["toy/blobs"])`."""

    def plans(catalog: Catalog, **wish: object) -> Plan:
        return make_plan(Wish(**wish), catalog, settings)

    return plans


@pytest.fixture
def blobs(catalog: Catalog, settings: Settings) -> Pairing:
    """The pairing (toy/blobs, tabular/mlp, finetune, 0)."""
    (pairing,) = make_plan(Wish(tasks=["toy/blobs"], strategies=["finetune"]), catalog, settings).pairings
    return pairing
