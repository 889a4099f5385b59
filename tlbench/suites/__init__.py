"""Suites: wishes written down as TOML, shipped by name or a user's own file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tlbench.errors import UnknownNameError, UsageError
from tlbench.planning import Wish

KEYS = ("tasks", "backbones", "strategies", "seeds", "label_budgets", "set")
EMBEDDED = "embedded"
"""Every task that needs no data from outside, third-party ones too: no file lists them."""


def suite_names() -> list[str]:
    """Return the names of the shipped suites."""
    return [EMBEDDED, *sorted(path.stem for path in Path(__file__).parent.glob("*.toml"))]


def read_suite(name: str) -> Wish:
    """Return what a suite asks for, by name or path. Raises `UsageError` with every mistake of a file at once."""
    if name == EMBEDDED:
        return Wish()
    shipped = Path(__file__).parent / f"{name}.toml"
    path = shipped if name in suite_names() else Path(name)
    if not path.is_file():
        raise UnknownNameError("suite", name, suite_names())
    try:
        return _validate(path, tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f'The suite "{path}" is not TOML: {error}.') from error


def _validate(path: Path, content: dict[str, object]) -> Wish:
    from pydantic import TypeAdapter, ValidationError

    for key in content.keys() - KEYS:
        raise UnknownNameError(f'key in the suite "{path}" called', key, KEYS)
    try:
        overrides = content.pop("set", {})
        return TypeAdapter(Wish).validate_python({**content, "overrides": overrides})
    except ValidationError as error:
        places = [".".join(map(str, fault["loc"])).replace("overrides.", "set.", 1) for fault in error.errors()]
        mistakes = "; ".join(f"{place}: {fault['msg']}" for place, fault in zip(places, error.errors(), strict=True))
        raise UsageError(f'The suite "{path}" cannot be used: {mistakes}.') from error
