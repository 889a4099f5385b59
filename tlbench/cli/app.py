"""The command line. A command's module is imported when the command is called."""

from __future__ import annotations

import importlib
import io
import logging
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from tlbench import __version__
from tlbench.api.log import LOG, log_file_closed
from tlbench.cli.output import say
from tlbench.cli.verbosity import level
from tlbench.errors import ContractError, TlbenchError, UsageError
from tlbench.planning.guard import Terminated, check_signal, signals_raise
from tlbench.results.escapes import plain_lines

FORMAT_WARNING = warnings.formatwarning
COMMANDS = {
    "run": "Run tasks with backbones and strategies; write results and leaderboards.",
    "status": "Show what the last plan of a board has and lacks.",
    "pretrain": "Train a backbone on the source domain of a task and save it as a checkpoint.",
    "list": "List tasks, backbones and strategies.",
    "show": "Show the details of a task, backbone, strategy, domain or result.",
    "inspect": "Check the data of a task before a run, including your own data.",
    "doctor": "Check the environment.",
    "plugins": "List plugins and their loading errors.",
    "check": "Run the conformance tests on a plugin.",
    "fetch": "Download published data sets and verify every file.",
    "leaderboard": "Render leaderboards from results.",
    "site": "Write an interactive page of a board.",
    "report": "Write an interactive page of your own results, which begins at one of them.",
    "merge": "Add the results of other boards to a board.",
    "advise": "Say which strategy to use for each task, on which evidence, and what else to try.",
    "compare": "Compare two strategies, backbones, versions or boards, with significance.",
    "verify": "Verify results and leaderboards against the stored predictions.",
    "new": "Create a plugin package with tests.",
    "explain": "Write a page on a result: what adaptation changed, and what predictions rest on.",
    "export": "Export the model of a result for serving.",
    "cache": "Show, prune and verify the cache of finished stages.",
    "completion": "Print the shell completion script.",
}


class LazyGroup(click.Group):
    """A group that imports the module of a command when the command is called; the group's help imports none."""

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
            # No command of tlbench exits this way: status 0 would mean success.
            raise ContractError(
                "A plugin called sys.exit(). List the installed plugins with: tlbench plugins"
            ) from stop

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        wrong = args and not args[0].startswith("-") and args[0] not in COMMANDS
        if wrong and not context.resilient_parsing:  # The shell also asks about unfinished words.
            from tlbench.errors import UnknownNameError

            raise UnknownNameError("command", args[0], COMMANDS)
        return super().resolve_command(context, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, package_name="tlbench", prog_name="tlbench")
def cli() -> None:
    """Benchmark transfer learning: target score, forgetting and serving latency on one leaderboard."""


def main() -> None:
    """Run the command line and exit.

    Status: 0; 1: a run or a check failed; 2: invalid request or data; 3: results or predictions are missing, or there
    is nothing to compare; 130: stopped by Ctrl-C; 143: stopped by SIGTERM.
    """
    with signals_raise(), log_file_closed(), _readable_output():
        _run()


@contextmanager
def _readable_output() -> Iterator[None]:
    """Print warnings as sentences, and escape characters that the terminal's encoding lacks."""
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, io.TextIOWrapper)]
    error_handlers, formatter = [stream.errors for stream in streams], warnings.formatwarning
    for stream in streams:
        stream.reconfigure(errors="backslashreplace")
    warnings.formatwarning = _format_warning
    try:
        yield
    finally:
        warnings.formatwarning = formatter
        for stream, errors in zip(streams, error_handlers, strict=True):
            if not stream.closed:  # A plugin may have closed it.
                stream.reconfigure(errors=errors)


def _run() -> None:
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
    except (click.Abort, KeyboardInterrupt) as stop:
        if isinstance(stop.__cause__, EOFError):  # Click takes it for the end of the input; here a file was cut short.
            raise stop.__cause__ from None
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
    """Return a warning of tlbench as one sentence, and one of another library with its file and line."""
    ours = Path(filename).is_relative_to(Path(__file__).parents[1])
    text = f"Warning: {message}\n" if ours else FORMAT_WARNING(message, category, filename, lineno, line)
    shown = plain_lines(text)
    LOG.warning("%s", shown.removesuffix("\n"))
    return shown if level() <= logging.WARNING else ""


def _stop(number: signal.Signals) -> None:
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)  # A second signal would interrupt the message.
    say("Stopped. Finished work is kept; run the same command to continue.", err=True)
    sys.exit(128 + number)
