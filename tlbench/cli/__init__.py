"""The command line. A command's module is imported when the command is called."""

from __future__ import annotations

import importlib
import sys

import click

from tlbench import __version__
from tlbench.errors import TlbenchError, UsageError

COMMANDS = {
    "run": "Run pairings and write their rows and boards.",
    "pretrain": "Train a backbone on a task's source, and save it as a checkpoint.",
    "list": "List tasks, backbones and strategies.",
    "plugins": "List plugins and the problems met in loading them.",
    "leaderboard": "Render the boards of the rows that are there.",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only to run it; its help needs none of them."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"tlbench.cli.{name}_command").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from tlbench.errors import UnknownNameError

            raise UnknownNameError("command", args[0], COMMANDS)
        return super().resolve_command(context, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, package_name="tlbench", prog_name="tlbench")
def cli() -> None:
    """Benchmark transfer learning: target score, forgetting and serving latency, on one board."""


def main() -> None:
    """Exit with 0; with 1 where a pairing failed; with 2 where the request or the data it names makes no sense."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        print("\nStopped. Everything finished is kept: the same command goes on from here.", file=sys.stderr)
        sys.exit(130)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except TlbenchError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)
