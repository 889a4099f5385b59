"""The data of a page -> one HTML file: data, program and style inside, and a policy that forbids everything else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tlbench.leaderboard.site.packing import packed

FOLDER = Path(__file__).parent
MODULES = (
    *(
        "theme",
        "dom",
        "format",
        "data",
        "state",
        "advice",
        "charts",
        "scatter",
        "left_out",
        "marks",
        "order",
        "results_table",
        "shortlist",
        "decisions",
        "choose",
        "board",
    ),
    *("tradeoff", "compare", "task", "strategy", "errors", "run", "about", "main"),
)
"""The files of `js/`, in the order in which they are put together: each uses those before it."""


def page(data: dict[str, Any]) -> str:
    """Return the HTML of a page with this data, which comes from `data:site_data`."""
    from jinja2 import Environment, StrictUndefined

    script, style = program(), (FOLDER / "page.css").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string((FOLDER / "page.html").read_text(encoding="utf-8")).render(
        title=data["texts"][data["title"]],
        data=packed(data),
        script=f"\n{script}",
        style=f"\n{style}",
        script_hash=_hash(f"\n{script}"),
        style_hash=_hash(f"\n{style}"),
    )


def program(modules: Sequence[str] = MODULES) -> str:
    """Return the program of the page, or a part of it: its modules in one function, so that nothing is global.

    The function is asynchronous, for the data are unpacked by the browser.
    """
    parts = [_brief((FOLDER / "js" / f"{name}.js").read_text(encoding="utf-8")) for name in modules]
    return "\n".join(['(async () => {\n"use strict";', *parts, "})();\n"])


def _brief(source: str) -> str:
    """Return a module without its comments and indentation: no text in it has several lines."""
    lines = map(str.strip, source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
