"""The plugin API in one page, made from the docstrings of the code: `python docs/contract.py > docs/contract.md`.

Public is what the `__all__` lists of four packages name. The source is read and not run, so that a signature stands on
the page as it stands in the code.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

FACADES = ("tlbench", "tlbench.learning", "tlbench.assets", "tlbench.testing")
"""The packages that a plugin imports from."""
FIRST = (
    "tlbench.contract.hooks",
    "tlbench.contract.specs",
    "tlbench.contract.requests",
    "tlbench.contract.task_data",
    "tlbench.contract.diagnostics",
)
"""Modules whose chapters come first."""
BESIDE = {
    ("tlbench.contract.hooks", "tlbench"): (
        "tlbench_domains",
        "tlbench_tasks",
        "tlbench_backbones",
        "tlbench_backbone_families",
        "tlbench_strategies",
        "tlbench_estimators",
        "tlbench_analyses",
        "tlbench_event",
    ),
    ("tlbench.results.row", ""): ("Row",),
}
"""What a plugin uses and does not import: hooks, which it implements, and rows, which events carry."""
LONGEST = 100
"""Characters of a constant's value that are shown."""

HEAD = """# The plugin API

Every hook, every field of every record that passes between tlbench and its plugins, and every function that plugins
may use. A field with a default may be left out. In shapes, `N` counts examples, `M` units of prediction, `C` labels,
`D` features, `T` time steps or words.

[plugin-guide.md](plugin-guide.md) shows how the parts are used and says what may change. This page is made from the
code: `python docs/contract.py > docs/contract.md`.
"""


@dataclass(frozen=True)
class Entry:
    """A hook, a function, a record, a constant, or a member of one."""

    name: str
    """With the names of what it belongs to."""
    signature: str
    text: str
    members: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """The public names of one module."""

    title: str
    facade: str
    """The package that exports them; empty for what is not imported."""
    entries: tuple[Entry, ...]


@functools.cache
def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def public_names(facade: str) -> list[str]:
    """Return what a package's `__all__` lists."""
    for node in _tree(facade).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    raise LookupError(f"{facade} has no __all__")


def defined_in(module: str, name: str) -> str:
    """Return the module that defines a name which `module` may import."""
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return defined_in(node.module, alias.name)
    return module


def chapters() -> list[Chapter]:
    """Return the page's chapters: one for each module that defines public names."""
    names = {key: list(beside) for key, beside in BESIDE.items()}
    for facade in FACADES:
        for name in public_names(facade):
            if not name.startswith("__"):
                names.setdefault((defined_in(facade, name), facade), []).append(name)
    return [
        Chapter(_title(module), facade, tuple(entry for entry in _entries(module) if entry.name in public))
        for (module, facade), public in sorted(names.items(), key=lambda item: _position(item[0]))
    ]


def _position(chapter: tuple[str, str]) -> tuple[int, int, str]:
    module, facade = chapter
    return (
        FIRST.index(module) if module in FIRST else len(FIRST),
        FACADES.index(facade) if facade in FACADES else len(FACADES),
        module,
    )


def _title(module: str) -> str:
    text = ast.get_docstring(_tree(module)) or module
    return text.partition("\n\n")[0].replace("\n", " ").rstrip(".")


def _entries(module: str) -> Iterator[Entry]:
    """Yield the public classes, functions and constants of a module, in their order."""
    for node, after in pairwise([*_tree(module).body, ast.Pass()]):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield _entry(node)
        elif isinstance(node, ast.Assign):
            yield _constant(ast.unparse(node.targets[0]), node, _text(after) or _summary(node.value))
        elif isinstance(node, ast.AnnAssign):
            yield _constant(ast.unparse(node.target), node, _text(after))


def _constant(name: str, node: ast.stmt, text: str) -> Entry:
    value = ast.unparse(node)
    return Entry(name, value if len(value) <= LONGEST else name, text)


def _summary(value: ast.expr) -> str:
    """Return the `summary` of a record that is made on the spot: it describes the constant."""
    keywords = value.keywords if isinstance(value, ast.Call) else []
    return next((str(ast.literal_eval(one.value)) for one in keywords if one.arg == "summary"), "")


def _entry(node: ast.FunctionDef | ast.ClassDef, owner: str = "") -> Entry:
    name, text = f"{owner}{node.name}", ast.get_docstring(node) or ""
    if isinstance(node, ast.ClassDef):
        return Entry(name, node.name, text, tuple(_members(node, f"{name}.")))
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    if _is(node, "property") or _is(node, "functools.cached_property"):
        return Entry(name, f"{node.name}{returns.replace(' ->', ':')}", text)
    arguments = ast.unparse(node.args).removeprefix("self").removeprefix("cls").removeprefix(", ")
    return Entry(name, f"{node.name}({arguments}){returns}", text)


def _members(node: ast.ClassDef, owner: str) -> Iterator[Entry]:
    """Yield fields and members of enumerations with the docstring below each, then public methods and properties."""
    enumeration = any("Enum" in ast.unparse(base) for base in node.bases)
    for statement, after in pairwise([*node.body, ast.Pass()]):
        if isinstance(statement, ast.AnnAssign) and not ast.unparse(statement.target).startswith("_"):
            yield Entry(f"{owner}{ast.unparse(statement.target)}", _field(statement), _text(after))
        elif isinstance(statement, ast.Assign) and enumeration:
            yield Entry(f"{owner}{ast.unparse(statement.targets[0])}", ast.unparse(statement), _text(after))
    for statement in node.body:
        # A method without a docstring implements what another class of the page describes, such as `Kind`.
        described = isinstance(statement, ast.FunctionDef) and ast.get_docstring(statement)
        if isinstance(statement, ast.FunctionDef) and described and not statement.name.startswith("_"):
            yield _entry(statement, owner)


def _text(node: ast.stmt) -> str:
    """Return the text of a docstring; of any other statement none."""
    return str(node.value.value) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) else ""


def _field(node: ast.AnnAssign) -> str:
    """Return a field as it is written, with the default itself where `field(default_factory=...)` makes it."""
    value = node.value
    if not (isinstance(value, ast.Call) and ast.unparse(value.func) == "field"):
        return ast.unparse(node)
    default = " = {}" if any(keyword.arg == "default_factory" for keyword in value.keywords) else ""
    return f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}{default}"


def _is(node: ast.FunctionDef, decorator: str) -> bool:
    return decorator in map(ast.unparse, node.decorator_list)


def render() -> str:
    """Return the page as Markdown."""
    lines = [HEAD]
    for chapter in chapters():
        lines.append(f"## {chapter.title}\n")
        if chapter.facade:
            lines.append(f"Import from `{chapter.facade}`{_only(chapter)}.\n")
        lines += [line for entry in chapter.entries for line in _render(entry)]
    return "\n".join(lines)


def _only(chapter: Chapter) -> str:
    """Return which names of a chapter are imported, unless all are."""
    public = [entry.name for entry in chapter.entries if entry.name in public_names(chapter.facade)]
    return "" if len(public) == len(chapter.entries) else f": {', '.join(f'`{name}`' for name in public)}"


def _render(entry: Entry) -> Iterable[str]:
    yield f"### `{entry.signature}`\n"
    yield f"{_paragraphs(entry.text)}\n"
    for member in entry.members:
        yield f"- `{member.signature}` - {' '.join(member.text.split())}"
    if entry.members:
        yield ""


def _paragraphs(text: str) -> str:
    """Return a docstring as Markdown: its example becomes a code block."""
    text, example, code = text.partition("Example:\n")
    return f"{text}```python\n{_dedent(code)}\n```" if example else text


def _dedent(code: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in code.splitlines())


if __name__ == "__main__":
    print(render(), end="")
