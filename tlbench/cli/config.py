"""`tlbench.toml`, the settings file of a project: options of commands as data, so that it can never run code."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench.errors import UnknownNameError, UsageError

NAME = "tlbench.toml"
TABLES = ("run", "inspect", "leaderboard")
"""The commands that a file has options for."""
LARGEST = 2**16
"""Bytes of a file."""
TRIES = 200
"""Parts of a file that are parsed to find a line: a file made to take long must not."""
Keys = tuple[str, ...]
"""The way to a value: a table, a key in it, and so on."""


@dataclass(frozen=True)
class Config:
    """A settings file."""

    path: Path
    text: str
    content: dict[str, dict[str, Any]]
    """Its tables."""

    @property
    def folder(self) -> Path:
        """Paths in the file are relative to this folder."""
        return self.path.parent

    def table(self, command: str) -> dict[str, Any]:
        """Return the options of a command."""
        return self.content.get(command, {})

    def invalid(self, keys: Keys, message: str) -> UsageError:
        """Return the error of a value, with its line."""
        return UsageError(f'Invalid value of "{keys[-1]}" {_place(self.path, line_of(self.text, keys))}: {message}')

    def unknown(self, what: str, keys: Keys, names: Collection[str]) -> UsageError:
        """Return the error of a name, with its line and the nearest valid ones."""
        return UnknownNameError(what, keys[-1], names, where=_place(self.path, line_of(self.text, keys)))


def find_config() -> Config | None:
    """Return the settings file of the working folder, or of the nearest folder above it; None if there is none.

    The search ends with the user's home and with the root. Raises `UsageError` for a file that is not valid.
    """
    try:
        here = Path.cwd()
    except OSError:  # Somebody removed it.
        return None
    home = os.path.realpath(os.path.expanduser("~"))
    for folder in (here, *here.parents):
        if os.path.isfile(folder / NAME):
            return read_config(folder / NAME)
        if str(folder) == home:
            break
    return None


def read_config(path: Path) -> Config:
    """Return a settings file, checked down to its tables. Raises `UsageError`."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise UsageError(f'"{path}" is larger than {LARGEST // 1024} KiB: expected a file of options.')
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        config = Config(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        said, line = re.sub(r" \(at .*\)$", "", str(error)), re.search(r"\(at line (\d+), column \d+\)$", str(error))
        where = _place(path, int(line[1]) if line else text.count("\n") + 1)
        raise UsageError(f"Invalid TOML {where}: {said}.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f'"{path}" cannot be read ({error}): expected a TOML file in UTF-8.') from error
    for name, table in config.content.items():
        if not isinstance(table, dict):
            raise config.invalid((name,), f"options stand in a table, below [{'] or ['.join(TABLES)}].")
        if name not in TABLES:
            raise config.unknown("table", (name,), TABLES)
    return config


def line_of(text: str, keys: Keys) -> int | None:
    """Return the line on which the statement begins that brings a key, if it is written as it is.

    The parser says no lines, but the first ones of a file up to the end of that statement are valid and have the key.
    """
    lines, tries = text.split("\n"), 0
    for first, line in enumerate(lines):
        if keys[-1] not in line:
            continue
        for last in range(first, len(lines)):
            if (tries := tries + 1) > TRIES:
                return None
            try:
                content: Any = tomllib.loads("\n".join(lines[: last + 1]))
            except (ValueError, RecursionError):
                continue
            if _has(content, keys):
                return first + 1
            break
    return None


def _has(content: Any, keys: Keys) -> bool:
    for key in keys:
        if not isinstance(content, dict) or key not in content:
            return False
        content = content[key]
    return True


def _place(path: Path, line: int | None) -> str:
    return f'in "{path}"' + (f", line {line}" if line else "")
