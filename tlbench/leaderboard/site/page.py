"""The data of a page -> one HTML file: data, program and style inside, and a policy that forbids everything else."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlbench.results.escapes import plain

FOLDER = Path(__file__).parent
MODULES = (
    *("dom", "format", "data", "state", "advice", "charts", "scatter", "results_table", "choose", "board"),
    *("tradeoff", "compare", "task", "strategy", "errors", "run", "about", "main"),
)
"""The files of `js/`, in the order in which they are put together: each uses those before it."""
IN_JSON = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What could end a script element, or begin a comment in it, and how JSON writes it otherwise."""


def page(data: dict[str, Any]) -> str:
    """Return the HTML of a page with this data, which comes from `data:site_data`."""
    from jinja2 import Environment, StrictUndefined

    script, style = program(), (FOLDER / "page.css").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string((FOLDER / "page.html").read_text(encoding="utf-8")).render(
        title=data["texts"][data["title"]],
        data=_harmless(data),
        script=f"\n{script}",
        style=f"\n{style}",
        script_hash=_hash(f"\n{script}"),
        style_hash=_hash(f"\n{style}"),
    )


def program(modules: Sequence[str] = MODULES) -> str:
    """Return the program of the page, or a part of it: its modules in one function, so that nothing is global."""
    parts = [(FOLDER / "js" / f"{name}.js").read_text(encoding="utf-8") for name in modules]
    return "\n".join(['(() => {\n"use strict";', *parts, "})();\n"])


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _harmless(data: dict[str, Any]) -> str:
    """Return JSON that may stand in a script element: text of rows cannot end it."""
    text = json.dumps(_printable(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return "".join(IN_JSON.get(letter, letter) for letter in text)


def _printable(value: Any) -> Any:
    """Return a JSON value in which every text is printable and on one line."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(name): _printable(part) for name, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, list | tuple) else value
