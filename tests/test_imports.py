"""The rooms and the direction of imports, read from the source; public names and who uses them."""

from __future__ import annotations

import ast
import graphlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from string import Template

import pytest
from support import run_python

from tlbench.cli.scaffold import Package
from tlbench.cli.task_forms import FORMS
from tlbench.testing.child import HEAVY

ROOT = Path(__file__).parents[1]
ROOMS: dict[str, str] = {
    "errors": "",
    "contract": "errors",
    "results": "errors contract",
    "assets": "errors contract results",
    "planning": "errors contract results assets",
    "learning": "errors contract",
    "deploy": "errors contract results learning",
    "engine": "errors contract results assets planning learning deploy",
    "leaderboard": "errors results",
    "verification": "errors contract results planning engine learning leaderboard",
    "api": "errors contract results assets planning learning deploy engine leaderboard verification",
    "testing": "errors contract results assets planning learning deploy engine leaderboard api",
    "cli": "errors contract results assets planning learning deploy engine leaderboard verification api testing",
}
"""Room -> the rooms that it may import beside itself."""
LIGHT = (
    *("errors", "contract", "results", "assets", "planning", "leaderboard", "verification", "api"),
    *("engine.runner", "engine.cache"),
)
"""Rooms, and two modules, that import no heavy library."""
FACADES = ("tlbench", "tlbench.learning", "tlbench.assets", "tlbench.testing")
"""What plugins import of tlbench: the names in the `__all__` of these packages."""


def name_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


HOST = {name_of(path, ROOT): path for path in sorted((ROOT / "tlbench").rglob("*.py"))}
PLUGINS = {name_of(path, ROOT / "plugins"): path for path in sorted((ROOT / "plugins").rglob("*.py"))}
TOY = {name: path for name, path in HOST.items() if re.match(r"tlbench\.testing\.toy\.(?!candidate$)", name)}
"""The modules of the toy; `candidate` is how the host finds it."""
TEMPLATES = sorted(
    path for path in (ROOT / "tlbench" / "cli" / "templates").rglob("*.py.in") if "form" not in path.parts
)
"""Without the spec of a task of each kind, into which whole lines are filled."""
GUIDE = ROOT / "docs" / "plugin-guide.md"


def imports(source: str, everywhere: bool = False, types: bool = False) -> set[str]:
    """Return the dotted names that a module imports at its top level, or anywhere in it; on request those for types."""

    def statements(nodes: list[ast.stmt]) -> Iterator[ast.stmt]:
        for node in nodes:
            if not types and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            yield node
            if everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for block in ("body", "orelse", "finalbody"):
                    yield from statements(getattr(node, block, []))
                for handler in getattr(node, "handlers", []):
                    yield from statements(handler.body)

    names = set()
    for node in statements(ast.parse(source).body):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules(names: set[str], known: dict[str, Path]) -> set[str]:
    """Return the modules among `known` that those names lead to: `a.b` may be a module or a name in module `a`."""
    return {name if name in known else name.rpartition(".")[0] for name in names} & known.keys()


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def top_level(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def public_names(facade: str) -> list[str]:
    for node in ast.parse(HOST[facade].read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    raise LookupError(facade)


PUBLIC = {f"{facade}.{name}" for facade in FACADES for name in public_names(facade)}


def test_the_root_holds_the_rooms_and_nothing_else():
    inside = {path.name for path in (ROOT / "tlbench").iterdir()} - {"__pycache__"}
    assert inside == {"__init__.py", "__main__.py", "py.typed", "errors.py", *ROOMS} - {"errors"}


@pytest.mark.parametrize("module", [module for module in HOST if room(module) in ROOMS])
def test_a_room_imports_the_rooms_that_the_table_names(module):
    """Also inside functions; for types alone, the contract may name learning, and `deferred` imports nothing."""
    source, own = HOST[module].read_text(), room(module)
    allowed = {own, "", *ROOMS[own].split()}
    reached = {room(other) for other in modules(imports(source, everywhere=True), HOST)}
    assert reached <= allowed
    named = {room(other) for other in modules(imports(source, everywhere=True, types=True), HOST)}
    assert named <= allowed | ({"learning"} if own == "contract" else set())


@pytest.mark.parametrize("known", [HOST, PLUGINS], ids=["host", "plugins"])
def test_there_is_no_import_cycle_between_files(known):
    graph = {module: modules(imports(path.read_text()), known) - {module} for module, path in known.items()}
    list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("module", [name for name in HOST if name.startswith(tuple(f"tlbench.{one}" for one in LIGHT))])
def test_a_light_module_imports_no_heavy_library(module):
    names = imports(HOST[module].read_text())
    assert not top_level(names) & HEAVY
    reached = modules(names, HOST) - {"tlbench"}
    assert all(other.startswith(tuple(f"tlbench.{one}" for one in (*LIGHT, "engine"))) for other in reached)


@pytest.mark.parametrize("module", HOST)
def test_the_host_names_no_plugin(module):
    assert not top_level(imports(HOST[module].read_text(), everywhere=True)) & top_level(set(PLUGINS))


def guards_the_path(node: ast.stmt) -> bool:
    """`tlbench` removes the current folder from the import path, which must come before any other import."""
    return ast.unparse(node) == "import sys" or (
        isinstance(node, ast.If) and "sys.flags.safe_path" in ast.unparse(node)
    )


@pytest.mark.parametrize("facade", FACADES)
def test_a_facade_exports_names_of_its_own_room_and_does_nothing_else(facade):
    tree = ast.parse(HOST[facade].read_text())
    own = ("tlbench.contract.", "tlbench.errors", "tlbench.api.") if facade == "tlbench" else (f"{facade}.",)
    imported = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and facade != "tlbench.testing":
            assert f"{node.module}.".startswith(own)
            imported += [alias.name for alias in node.names]
        else:
            guard = facade == "tlbench" and guards_the_path(node)
            assert isinstance(node, ast.Expr | ast.Assign) or facade == "tlbench.testing" or guard
    assert {*imported, "__version__"} >= set(public_names(facade)) or facade == "tlbench.testing"


@pytest.mark.parametrize("path", sorted((ROOT / "tlbench").rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_an_init_re_exports_names_and_does_nothing_else(path):
    """`tlbench.testing` loads its suites when they are asked for: they import torch, and the toy must not."""
    for node in ast.parse(path.read_text()).body if path.parent.name != "testing" else ():
        assigned = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("__all__", "__version__")
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        guard = path.parent.name == "tlbench" and guards_the_path(node)
        assert assigned or text or guard or isinstance(node, ast.ImportFrom), ast.unparse(node)


def test_a_facade_lists_each_name_once_and_no_name_is_listed_twice():
    names = [name for facade in FACADES for name in public_names(facade)]
    assert len(names) == len(set(names))


def test_the_suites_are_had_from_testing():
    """They import torch, and the toy lies below them: they are looked up when they are asked for."""
    import tlbench.testing

    assert all(getattr(tlbench.testing, name).__name__ == name for name in public_names("tlbench.testing"))


def of_tlbench(source: str) -> set[str]:
    """Return what a module names of tlbench: imports, for types too, and targets of `deferred`."""
    late = {f"{module}.{name}" for module, name in re.findall(r'deferred\(\s*"([\w.]+)"(?:, "(\w+)")?', source)}
    names = imports(source, everywhere=True, types=True) | late
    return {name for name in names if name == "tlbench" or name.startswith("tlbench.")}


@pytest.mark.parametrize("module", PLUGINS)
def test_a_plugin_uses_public_names_and_no_other_plugin(module):
    source = PLUGINS[module].read_text()
    assert of_tlbench(source) <= PUBLIC
    names = imports(source, everywhere=True)
    assert top_level(names) & top_level(set(PLUGINS)) <= top_level({module})


@pytest.mark.parametrize("module", TOY)
def test_the_toy_uses_public_names_and_its_own(module):
    assert {
        name for name in of_tlbench(TOY[module].read_text()) if not name.startswith("tlbench.testing.toy.")
    } <= PUBLIC


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_template_uses_public_names(path):
    assert of_tlbench(Template(path.read_text()).substitute(defaultdict(lambda: "package"))) <= PUBLIC


@pytest.mark.parametrize("problem", FORMS)
def test_a_task_of_each_kind_uses_public_names(problem):
    made = Package(kind="task", name="vision/mine", problem=problem).files()
    sources = [text for name, text in made.items() if name.endswith(".py")]
    assert sources
    assert set().union(*map(of_tlbench, sources)) <= PUBLIC


def test_the_guide_uses_public_names():
    blocks = re.findall("```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert blocks
    assert set().union(*map(of_tlbench, blocks)) <= PUBLIC


@pytest.mark.parametrize("module", [module for module in PLUGINS if module.endswith(".plugin")])
def test_the_module_of_a_plugin_s_hooks_is_light(module):
    """So is every module of the plugin that it imports at its top level."""
    reached, new = set(), {module}
    while new:
        reached |= new
        names = set().union(*(imports(PLUGINS[name].read_text()) for name in new))
        assert not top_level(names) & HEAVY
        assert not {name for name in names if name.startswith("tlbench.learning")}
        new = modules(names, PLUGINS) - reached


def heavy_after(code: str, site: Path | None = None) -> str:
    """Return which heavy libraries a fresh process has loaded after some code."""
    libraries = {*HEAVY, "PIL", "soundfile", "safetensors"}
    done = run_python(f"{code}\nimport sys\nprint(sorted({libraries!r} & set(sys.modules)))", site=site)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "module", ["tlbench", "tlbench.assets", "tlbench.testing", "tlbench.testing.toy.plugin", "tlbench.engine.runner"]
)
def test_a_light_package_loads_no_heavy_library(module):
    assert heavy_after(f"import {module}") == "[]"


def test_the_catalog_and_a_plan_need_no_heavy_library(toy_site):
    code = """
import tlbench
from tlbench.planning.settings import Settings
from tlbench.planning.expand import make_plan
from tlbench.planning.selection import RunRequest
from tlbench.planning.catalog import load_catalog

catalog = load_catalog()
assert "toy/blobs" in catalog.tasks and not catalog.problems
assert make_plan([RunRequest()], catalog, Settings()).pairings
"""
    assert heavy_after(code, toy_site) == "[]"
