"""The option `--set`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click


def _overrides(context: click.Context, parameter: click.Parameter, value: Sequence[str]) -> Mapping[str, str]:
    overrides = {}
    for text in value:
        key, equals, setting = text.partition("=")
        if not equals or "." not in key:
            raise click.BadParameter(
                f'Invalid setting "{text}": use OWNER.NAME=VALUE, such as adversarial.conditional=true.'
            )
        overrides[key] = setting
    return overrides


set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    callback=_overrides,
    metavar="OWNER.NAME=VALUE",
    help="Set an option, such as finetune.steps=50. Repeatable.",
)
