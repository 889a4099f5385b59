"""Values of `tlbench.toml` -> what click takes from the command line, checked."""

from __future__ import annotations

import os
from typing import Any

import click

from tlbench.cli.config import Config, Keys
from tlbench.cli.settings import parse_seeds

NUL = "\0"
"""No path and no name holds it, and the command line cannot."""
FILE_NAMES = ("weights",)
"""Options that hold a path or something else, such as a name on the hub."""


def of_option(config: Config, keys: Keys, option: click.Parameter, value: Any, ctx: click.Context) -> Any:
    """Return the value of an option as the command line gives it. Raises `UsageError` for a wrong type or value."""
    try:
        if option.name == "seeds":
            given: Any = _seeds(config, keys, value)
            parse_seeds(ctx, option, given)
        elif option.multiple:
            given = [_one(config, keys, option, part) for part in (value if isinstance(value, list) else [value])]
        else:
            given = _one(config, keys, option, value)
        option.type_cast_value(ctx, given)
    except click.BadParameter as error:
        raise config.invalid(keys, error.message) from None
    return given


def of_settings(config: Config, command: str) -> dict[str, str | int | float | bool]:
    """Return the settings of a command's table `set` by `OWNER.NAME`; tables in it are owners."""
    settings: dict[str, str | int | float | bool] = {}

    def read(table: Any, keys: Keys) -> None:
        for name, value in table.items():
            here = (*keys, name)
            setting = ".".join(here[2:])
            if isinstance(value, dict):
                read(value, here)
            elif not isinstance(value, str | int | float | bool) or NUL in str(value):
                raise config.invalid(here, "use a text in quotes, a number, true or false.")
            elif "." not in setting:
                raise config.invalid(here, 'name its owner too, such as "finetune.steps" = 50.')
            elif setting in settings:
                raise config.invalid(here, f'"{setting}" is set twice.')
            else:
                settings[setting] = _placed(config, setting, value)

    table = config.table(command).get("set", {})
    if not isinstance(table, dict):
        raise config.invalid((command, "set"), f"write it as a table, [{command}.set].")
    read(table, (command, "set"))
    return settings


def path_of(config: Config, keys: Keys, value: Any) -> str:
    """Return a path of the file, which is relative to its folder."""
    if not isinstance(value, str) or not value or NUL in value:
        raise config.invalid(keys, "use a path in quotes.")
    return _below(config, value)


def _below(config: Config, value: str) -> str:
    """Return a path that is relative to the folder of the file, without `..` unless links give it another meaning."""
    path = config.folder / os.path.expanduser(value)
    normal = os.path.normpath(path)
    return normal if os.path.realpath(normal) == os.path.realpath(path) else str(path)


def _seeds(config: Config, keys: Keys, value: Any) -> str:
    """Return seeds as the command line has them: a number, a range or a list."""
    if isinstance(value, list) and value and all(type(seed) is int and seed >= 0 for seed in value):
        return ",".join(map(str, value)) if len(value) > 1 else f"{value[0]}-{value[0]}"
    if type(value) not in (int, str) or not value:
        raise config.invalid(keys, 'use a number (3), a range ("1000-1004") or a list ([7, 9]).')
    return str(value)


def _one(config: Config, keys: Keys, option: click.Parameter, value: Any) -> Any:
    """Return one value of an option, of the type that it takes."""
    if getattr(option, "is_flag", False):
        return _typed(config, keys, value, (bool,), "true or false")
    if isinstance(option.type, click.types.FloatParamType):
        return _typed(config, keys, value, (int, float), "a number")
    if isinstance(option.type, click.types.IntParamType):
        return _typed(config, keys, value, (int,), "a whole number")
    if isinstance(option.type, click.Path):
        return path_of(config, keys, value)
    if option.name == "label_budgets":
        return str(_typed(config, keys, value, (int, str), 'a number (50), "5/class" or "all"'))
    text = _typed(config, keys, value, (str,), "a text in quotes" + (", or a list of them" if option.multiple else ""))
    return _suite(config, text) if option.name == "suite" else text


def _typed(config: Config, keys: Keys, value: Any, types: tuple[type, ...], expected: str) -> Any:
    if type(value) not in types or NUL in str(value):  # True is an int.
        raise config.invalid(keys, f"use {expected}, not {_shown(value)}.")
    return value


def _shown(value: Any) -> str:
    """Return a value as TOML writes it, roughly."""
    if isinstance(value, dict):
        return "a table"
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def _suite(config: Config, name: str) -> str:
    """Return the name of a shipped suite, or the path of a file."""
    path = _below(config, name)
    return path if os.path.isfile(path) else name


def _placed(config: Config, setting: str, value: Any) -> Any:
    """Return the value of a setting: a path of data or weights is relative to the file."""
    from tlbench.contract.specs import HUB
    from tlbench.planning.plan_parts import PLACES

    owner, _, name = setting.rpartition(".")
    if not isinstance(value, str) or not value or value.startswith(HUB):
        return value
    path = _below(config, value)
    is_data = name in PLACES and (owner in ("task", "remember") or "/" in owner)
    return path if is_data or (name in FILE_NAMES and os.path.exists(path)) else value
