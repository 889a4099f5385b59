"""Options of a command from `tlbench.toml`; those of the command line win."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from tlbench.api.display import Display
from tlbench.cli.config import Config, find_config
from tlbench.cli.config_values import of_option, of_settings
from tlbench.cli.verbosity import level

ELSEWHERE = {
    "plugin": "it loads code",
    "address": "a cluster runs code",
    "log-file": "it adds to any file",
}
"""Options of the command line alone, with the reason: nobody runs code because a folder brings a file along."""
SETTINGS = "set"
"""The table of `--set`, whose parameter is `overrides`."""
OWNERS = {"tasks": "task", "backbones": "backbone", "strategies": "strategy"}
"""Parameter -> the owner of settings that are for all that it names."""
SAID = "tlbench.config"
"""Whether a command has said which file it read, among what its contexts share."""


class ConfiguredCommand(click.Command):
    """A command whose options may stand in the table of its name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_help = not {"-h", "--help"}.isdisjoint(args)
        config = None if ctx.resilient_parsing or asks_help else find_config()
        if config is None:
            return super().parse_args(ctx, args)
        name = str(self.name)
        ctx.default_map = {**_task_of_run(config, name), **dict(_options(config, self, ctx))}
        rest = super().parse_args(ctx, args)
        settings = {**_settings_of_run(config, name, ctx.params), **of_settings(config, name)}
        without = [setting for setting in settings if _is_replaced(setting, ctx.default_map, ctx.params)]
        if settings:
            kept = {setting: value for setting, value in settings.items() if setting not in without}
            ctx.params["overrides"] = {**kept, **ctx.params["overrides"]}
        if settings or ctx.default_map:
            say_source(config, ctx, without)
        return rest


def say_source(config: Config, ctx: click.Context, without: Sequence[str] = ()) -> None:
    """Say once which file options come from, and which settings of it are not used, unless `--quiet`."""
    if not ctx.meta.get(SAID):
        named = f", without {', '.join(without)}: the command line replaces what they are for" if without else ""
        Display(level()).announce(f'Options from "{config.path}"{named}.')
    ctx.meta[SAID] = True


def _is_replaced(setting: str, named: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool:
    """Say whether a setting of the file is for a task, backbone or strategy of it that the command line replaces."""
    owner = setting.rpartition(".")[0]
    for parameter, general in OWNERS.items():
        before, now = set(named.get(parameter) or ()), set(chosen.get(parameter) or ())
        if owner in before - now or (owner == general and before and before.isdisjoint(now)):
            return True
    return False


def _options(config: Config, command: click.Command, ctx: click.Context) -> Iterator[tuple[str, Any]]:
    """Yield the parameters that a command's table sets. Raises `UsageError` for an unknown or a wrong one."""
    table = str(command.name)
    spelled = {name: option for option in command.params for name in _names(option)}
    valid = [name for name, option in spelled.items() if _names(option).isdisjoint(ELSEWHERE)]
    seen: dict[str, str] = {}
    for key, value in config.table(table).items():
        keys = (table, key)
        option = spelled.get(key.replace("_", "-"))
        if option is None:
            raise config.unknown("option", keys, valid)
        parameter = str(option.name)
        if reason := next((why for name, why in ELSEWHERE.items() if name in _names(option)), ""):
            raise config.invalid(keys, f"{reason}, so that only the command line sets it.")
        if parameter in seen:
            raise config.invalid(keys, f'"{seen[parameter]}" is the same option.')
        seen[parameter] = key
        if key != SETTINGS:
            yield parameter, of_option(config, keys, option, value, ctx)


def _names(option: click.Parameter) -> set[str]:
    """Return what a file may call an option: its name without dashes, and of one that is repeatable the plural too."""
    if isinstance(option, click.Argument):
        return {str(option.name)}
    names = {word.removeprefix("--") for word in option.opts if word.startswith("--")}
    repeatable = option.multiple and SETTINGS not in names
    return names | ({str(option.name).replace("_", "-")} if repeatable else set())


def _tasks_of_run(config: Config) -> list[str]:
    """Return the tasks that `tlbench run` is to run; what they are, it checks."""
    table = config.table("run")
    tasks = table.get("task", table.get("tasks", []))
    return [tasks] if isinstance(tasks, str) else list(tasks) if isinstance(tasks, list) else []


def _task_of_run(config: Config, command: str) -> dict[str, str]:
    """Return the task of `tlbench run` for `tlbench inspect`, if there is one alone."""
    tasks = _tasks_of_run(config)
    return {"task": tasks[0]} if command == "inspect" and len(tasks) == 1 else {}


def _settings_of_run(config: Config, command: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the task's settings of `tlbench run` for `tlbench inspect` of the same task."""
    task = parameters.get("task")
    if command != "inspect" or task not in _tasks_of_run(config):
        return {}
    return {
        name: value for name, value in of_settings(config, "run").items() if name.rpartition(".")[0] in ("task", task)
    }
