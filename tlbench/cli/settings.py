"""The option `--set`, and the values of `--seeds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

MOST = 100_000
"""Seeds of a run: more are a slip of the hand."""
MANY = 100
"""From here on a single number is taken for a seed and not for how many."""


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


def parse_seeds(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    """Parse `3` (0, 1, 2), `1000-1004` (a range) or `7,9` (a list)."""
    try:
        if not value:
            return ()
        if "," in value:
            seeds: Sequence[int] = [int(seed) for seed in value.split(",")]
            count = len(seeds)
        else:
            first, dash, last = value.partition("-")
            if not dash and int(first) > MANY:
                raise click.BadParameter(
                    f'Invalid seeds "{value}": that would be so many seeds. For the seed {value} write '
                    f"{value}-{value}, for {value} seeds 0-{int(value) - 1}."
                )
            seeds = range(int(first), int(last) + 1) if dash else range(int(value))
            count = seeds.stop - seeds.start
        if not 0 < count <= MOST or min(seeds) < 0:  # Zero seeds would mean the default.
            raise ValueError
        return tuple(seeds)
    except ValueError:
        raise click.BadParameter(
            f'Invalid seeds "{value}": use a number (3), a range (1000-1004, or 0-0 for seed 0) or a list (7,9).'
        ) from None
