"""The contract in one page, made from the docstrings of the code: `python docs/contract.py > docs/contract.md`.

The source is read and not run, so that a signature stands on the page as it stands in the code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

CHAPTERS = (
    ("Hooks", "hookspecs", ()),
    (
        "Specs: what hooks return",
        "records",
        (
            "DomainSpec",
            "Setting",
            "TaskSpec",
            "KindSpec",
            "BackboneSpec",
            "Checkpoint",
            "OwnHead",
            "BackboneFamily",
            "StrategySpec",
        ),
    ),
    ("Options", "options", ("OptionValue", "Option", "PARTIAL", "training_options")),
    ("Requests: what a spec's functions are given", "calls", ()),
    ("Raw data: what a task loads", "raw", ()),
    (
        "Model inputs: what a backbone prepares",
        "data",
        ("Columns", "Ragged", "Inputs", "Targets", "Examples", "concatenate"),
    ),
    (
        "Models: what a backbone builds, and what is adapted",
        "model",
        ("Encoder", "TransferModel", "encode", "apply_head"),
    ),
    ("Adaptation: what a strategy is given", "request", ()),
    ("Training", "training", ("Schedule", "one_cycle", "train", "reverse_gradient")),
    ("Linear probes", "probe", ("Linear", "fit_probe")),
    (
        "Checkpoints: their files",
        "checkpoints",
        ("find", "is_folder", "remembered"),
    ),
    ("Checkpoints: weights in files", "weight_files", ("read_weights",)),
    ("Checkpoints: weights in models", "weights", ("Coverage", "load_into")),
    ("Kinds: what a kind's `create` returns", "kinds", ("Kind",)),
    ("Metrics: functions of example weights", "metrics", ("Weighted", "Metric")),
    ("Errors that a plugin raises", "errors", ("UsageError", "MissingDataError", "BadInputError", "ContractError")),
    ("Events: what `tlbench_event` receives", "events", ("Event",)),
    ("Rows: what a pairing leaves", "rows", ("Row",)),
)
"""Title, module, and the public names that it shows: empty for all."""

HEAD = """# The contract

Every hook, and every field of every record that passes between tlbench and its plugins. A field with a default may be
left out. In shapes, `N` counts examples, `M` units of prediction, `C` labels, `D` features, `T` time steps or words.

[plugin-guide.md](plugin-guide.md) shows how the parts are used and says what may change. This page is made from the
code: `python docs/contract.py > docs/contract.md`.
"""


@dataclass(frozen=True)
class Entry:
    """A hook, a function, a record, or a member of one."""

    name: str
    """With the names of what it belongs to."""
    signature: str
    text: str
    members: tuple[Entry, ...] = ()


def chapters() -> Iterator[tuple[str, str, list[Entry]]]:
    """Yield title, module and entries."""
    for title, module, names in CHAPTERS:
        yield title, module, [entry for entry in entries(module) if not names or entry.name in names]


def entries(module: str) -> Iterator[Entry]:
    """Yield the public classes, functions and described types of a module of tlbench, in their order."""
    found = find_spec(f"tlbench.{module}")
    assert found is not None
    assert found.origin is not None
    for node, after in pairwise([*ast.parse(Path(found.origin).read_text(encoding="utf-8")).body, ast.Pass()]):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield _entry(node)
        elif isinstance(node, ast.Assign) and (text := _text(after)):
            yield Entry(ast.unparse(node.targets[0]), ast.unparse(node), text)


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
    """Yield fields with the docstring below each, then public methods and properties."""
    for statement, after in pairwise([*node.body, ast.Pass()]):
        if isinstance(statement, ast.AnnAssign):
            yield Entry(f"{owner}{ast.unparse(statement.target)}", _field(statement), _text(after))
        elif isinstance(statement, ast.Assign):  # a member of an enumeration
            yield Entry(f"{owner}{ast.unparse(statement.targets[0])}", ast.unparse(statement), _text(after))
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and not statement.name.startswith("_"):
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
    for title, module, found in chapters():
        lines += [f"## {title}\n", f"Module `tlbench.{module}`.\n"]
        lines += [line for entry in found for line in _render(entry)]
    return "\n".join(lines)


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
