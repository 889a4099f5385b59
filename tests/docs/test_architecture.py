"""The page on the architecture says what the code does: names, rooms, imports, stages."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
from support import HERE

from tlbench.engine.pipeline import PIPELINE

ROOT = HERE.parent
HOST = ROOT / "tlbench"
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DECISIONS = ROOT / "docs" / "decisions"


def rows_of(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    lines = PAGE.partition(f"\n{heading}\n")[2].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| "))
    table = lines[start + 2 :]
    size = next((number for number, line in enumerate(table) if not line.startswith("|")), len(table))
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table[:size]]


ROOMS = {cells[0].strip("`"): cells[2] for cells in rows_of("### Rooms")}
MODULES = sorted(set(re.findall(rf"(?<![\w./-])(?:{'|'.join(ROOMS)})/\w+(?:/\w+)*(?::\w+)?(?![\w./])", PAGE)))
PATHS = sorted(set(re.findall(r"`((?:tlbench|plugins|tests|docs|leaderboards)/[\w./-]*)`", PAGE)))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_and_a_function_of_the_page_exist(name):
    module, _, function = name.partition(":")
    path = (HOST / module).with_suffix(".py")
    assert path.is_file() or (HOST / module).is_dir()
    if function:
        assert re.search(rf"^(?:def|class) {function}\b|^{function}\b.* = ", path.read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_the_page_exists(path):
    if path.startswith("leaderboards/"):
        pytest.skip("boards are no part of an sdist")
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    "page", [ROOT / "docs" / "architecture.md", *sorted(DECISIONS.glob("*.md"))], ids=lambda p: p.stem
)
def test_a_link_leads_to_a_file(page):
    links = re.findall(r"\]\(((?!http)[^)#]+)\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).is_file()]


def test_the_rooms_of_the_page_are_all_there_are():
    found = {path.stem for path in HOST.iterdir() if not path.name.startswith("__") and path.suffix in {"", ".py"}}
    assert set(ROOMS) == found


def test_the_page_lists_every_decision():
    index = (DECISIONS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index) == sorted(path.name for path in DECISIONS.glob("0*.md"))


def imported(path: Path) -> set[str]:
    """Return the rooms that a module imports anywhere in it; what it imports for types alone does not count."""
    rooms = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("tlbench.")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tlbench":
            rooms |= {f"{node.module}.{alias.name}".split(".")[1] for alias in node.names}
        waiting.extend(ast.iter_child_nodes(node))
    return rooms & set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_what_the_page_allows(room):
    above = list(ROOMS)[: list(ROOMS).index(room)]
    allowed = {"all above": set(above), "nothing": set()}.get(ROOMS[room]) or set(ROOMS[room].split(", "))
    assert allowed <= {"nothing", *above}
    paths = [HOST / f"{room}.py"] if room == "errors" else sorted((HOST / room).rglob("*.py"))
    assert set().union(*map(imported, paths)) <= allowed | {room}


def stage_table() -> str:
    """Return the stage table as it should stand on the page."""
    lines = ["| stage | result | after | inputs | key also holds |", "| --- | --- | --- | --- | --- |"]
    for stage in PIPELINE:
        result = sys.modules[stage.compute.__module__].__doc__ or ""
        names = [", ".join(f"`{name}`" for name in part) or "-" for part in (stage.after, stage.inputs)]
        shared = f"`{stage.content.__name__}` of the results above" if stage.content else "keys above"
        lines.append(f"| `{stage.name}` | {result.splitlines()[0]} | {' | '.join(names)} | {shared} |")
    return "\n".join(lines)


def test_the_stage_table_is_that_of_the_code():
    """If it is not, replace the one on the page by this one."""
    assert f"\n{stage_table()}\n" in PAGE, f"docs/architecture.md should say:\n\n{stage_table()}\n"
