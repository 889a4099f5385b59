"""The command line. A command's module is imported when the command is called."""

from __future__ import annotations

import importlib
import io
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from tlbench import __version__
from tlbench.cli.output import say
from tlbench.errors import ContractError, TlbenchError, UsageError
from tlbench.planning.guard import Terminated, check_signal, handle_signals
from tlbench.results.escapes import plain_lines

FORMAT_WARNING = warnings.formatwarning
COMMANDS = {
    "run": "Run pairings and write their rows and boards.",
    "pretrain": "Train a backbone on a task's source, and save it as a checkpoint.",
    "list": "List tasks, backbones and strategies.",
    "show": "Show everything about a task, backbone, strategy, domain or row.",
    "inspect": "Look at a task's data before a run, also at your own.",
    "doctor": "Say what this environment has and lacks.",
    "plugins": "List plugins and the problems met in loading them.",
    "check": "Check a plugin: run the conformance tests.",
    "fetch": "Download published data sets and check every file.",
    "leaderboard": "Render the boards of the rows that are there.",
    "new": "Write the package of a plugin, with its tests.",
    "export": "Write the model of a row, ready to serve.",
    "completion": "Print what completes names in bash, zsh or fish.",
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

    def shell_complete(self, context: click.Context, incomplete: str) -> list[CompletionItem]:
        commands = [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]
        return [*commands, *click.Command.shell_complete(self, context, incomplete)]

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except SystemExit as stop:
            if stop.code:
                raise
            # No command of ours ends so: the exit status would say that all is well.
            raise ContractError(
                "A plugin ended the command with sys.exit(): tlbench plugins lists those that are installed."
            ) from stop

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        wrong = args and not args[0].startswith("-") and args[0] not in COMMANDS
        if wrong and not context.resilient_parsing:  # The shell asks on while a word is unfinished.
            from tlbench.errors import UnknownNameError

            raise UnknownNameError("command", args[0], COMMANDS)
        return super().resolve_command(context, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, package_name="tlbench", prog_name="tlbench")
def cli() -> None:
    """Benchmark transfer learning: target score, forgetting and serving latency, on one board."""


def main() -> None:
    """Exit with 0; with 1 if a pairing or a check failed; with 2 if the request or the data it names is invalid.

    With 3 if rows are missing on the board. Stopped by Ctrl-C: 130, by SIGTERM: 143; both clean up on their way out.
    """
    handle_signals()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # What the terminal's encoding lacks is shown as its escape.
            stream.reconfigure(errors="backslashreplace")
    warnings.formatwarning = _format_warning
    try:
        try:
            cli(prog_name="tlbench", standalone_mode=False)
        finally:
            check_signal()
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        say(shown.getvalue().removesuffix("\n"), err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _stop(signal.SIGINT)
    except Terminated:
        _stop(signal.SIGTERM)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except TlbenchError as error:
        say(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Return a warning of ours as its sentence; where another library raised its own is worth knowing."""
    if Path(filename).is_relative_to(Path(__file__).parents[1]):
        return f"Warning: {plain_lines(str(message))}\n"
    return plain_lines(FORMAT_WARNING(message, category, filename, lineno, line))


def _stop(number: signal.Signals) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # A second one would only interrupt the farewell.
    say("Stopped. What was finished is kept: the same command goes on from there.", err=True)
    sys.exit(128 + number)
