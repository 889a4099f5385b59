"""The direction of imports, read from the source: what a module imports when it is itself imported."""

from __future__ import annotations

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import run_python

from tlbench.testing.child import HEAVY

ROOT = Path(__file__).parents[1]
LAYERS = tuple(
    set(names.split())
    for names in (
        "budget calls checkpoints errors escapes events files guard hookspecs hub hub_client identity kindspecs "
        "options origins plan plugins processes raw records sources weight_files weights",
        "bounds download fetch unpack planning repeat row_checks row_files rows store suites",
        "data device export kinds language latency lazy metrics model precision probe request samples session "
        "training vector_metrics",
        "pairing prepared pretraining readers scoring serving splits stages",
        "runner",
        "bundle cli inspection leaderboard schema templates testing __main__",
    )
)
"""A module imports from its own layer and from those above it in this list."""
LIGHT = LAYERS[0] | LAYERS[1] | {"runner"}
PUBLIC = {
    "", "checkpoints", "data", "kinds", "metrics", "model", "precision", "probe", "readers", "request", "training",
    "weight_files", "weights",
}  # fmt: skip
"""What plugins may import of tlbench; the empty name is `tlbench` itself."""


def name_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


HOST = {name_of(path, ROOT): path for path in sorted((ROOT / "tlbench").rglob("*.py"))}
PLUGINS = {name_of(path, ROOT / "plugins"): path for path in sorted((ROOT / "plugins").rglob("*.py"))}


def imports(path: Path, everywhere: bool = False) -> set[str]:
    """Return the dotted names that a module imports at its top level, or anywhere in it; types alone do not count."""

    def statements(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
        for node in nodes:
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            yield node
            if everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for block in ("body", "orelse", "finalbody"):
                    yield from statements(getattr(node, block, []))
                for handler in getattr(node, "handlers", []):
                    yield from statements(handler.body)

    found = set()
    for node in statements(ast.parse(path.read_text()).body):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports by a relative name"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(names: set[str], known: dict[str, Path]) -> set[str]:
    """Return the modules among `known` that those names lead to: `a.b` may be a module or a name in module `a`."""
    return {name if name in known else name.rpartition(".")[0] for name in names} & known.keys()


def layer_of(module: str) -> int:
    part = module.split(".")[1] if "." in module else "records"
    found = [number for number, names in enumerate(LAYERS) if part in names]
    assert found, f'"{part}" has no place in LAYERS yet'
    return found[0]


def top_level(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("module", HOST)
def test_the_host_imports_downwards_only(module):
    above = {other for other in modules(imports(HOST[module]), HOST) if layer_of(other) > layer_of(module)}
    assert not above


@pytest.mark.parametrize("known", [HOST, PLUGINS], ids=["host", "plugins"])
def test_there_is_no_import_cycle(known):
    graph = {module: modules(imports(path), known) - {module} for module, path in known.items()}
    list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("module", sorted(LIGHT))
def test_a_light_module_imports_light_modules_only(module):
    names = imports(HOST[f"tlbench.{module}"])
    assert not top_level(names) & HEAVY
    assert {other.partition(".")[2] for other in modules(names, HOST)} <= LIGHT | {""}


@pytest.mark.parametrize("module", HOST)
def test_the_host_names_no_plugin(module):
    assert not top_level(imports(HOST[module], everywhere=True)) & top_level(set(PLUGINS))


@pytest.mark.parametrize("module", PLUGINS)
def test_a_plugin_imports_the_public_part_of_the_host_and_no_other_plugin(module):
    names = imports(PLUGINS[module], everywhere=True)
    assert {other.partition(".")[2].partition(".")[0] for other in modules(names, HOST)} <= PUBLIC
    assert top_level(names) & top_level(set(PLUGINS)) <= top_level({module})


@pytest.mark.parametrize("module", [module for module in PLUGINS if module.endswith(".plugin")])
def test_the_module_of_a_plugin_s_hooks_is_light(module):
    """So is every module of the plugin that it imports at its top level."""
    reached, new = set(), {module}
    while new:
        reached |= new
        names = set().union(*(imports(PLUGINS[name]) for name in new))
        assert not top_level(names) & HEAVY
        new = modules(names, PLUGINS) - reached


def test_the_catalog_and_a_plan_need_no_heavy_library(toy_site):
    code = f"""
import sys
import tlbench
from tlbench.planning.settings import Settings
from tlbench.planning.expand import RunRequest, make_plan
from tlbench.planning.catalog import load_catalog

catalog = load_catalog()
assert "toy/blobs" in catalog.tasks and not catalog.problems
assert make_plan([RunRequest()], catalog, Settings()).pairings
print(sorted({set(HEAVY)!r} & set(sys.modules)))
"""
    done = run_python(code, site=toy_site)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_the_runner_alone_needs_no_heavy_library():
    done = run_python(f"import sys, tlbench.engine.runner\nprint(sorted({set(HEAVY)!r} & set(sys.modules)))")
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
