"""Where the command line begins: a command that loads plugins runs in a child of this process.

Code of a plugin may end its process, crash it or never return. This process then says so, or has the command run
without that plugin. `tlbench run` needs no such child: it starts others for all that plugins do.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

WITH_PLUGINS = (
    "list",
    "show",
    "inspect",
    "doctor",
    "plugins",
    "check",
    "fetch",
    "pretrain",
    "new",
    "export",
    "verify",
    "advise",
    "explain",
    "site",
    "report",
)


def main() -> None:
    """Run the command line and exit. The statuses are those of `tlbench.cli.app.main`."""
    if "TLBENCH_CHANNEL" in os.environ:
        _as_child()
    elif hasattr(os, "fork") and os.environ.get("TLBENCH_ENGINE") != "inline" and _command() in WITH_PLUGINS:
        sys.exit(_in_child(sys.argv[1:]))
    else:
        from tlbench.cli.app import main as here

        here()


def _command() -> str:
    return next((word for word in sys.argv[1:] if not word.startswith("-")), "")


def _as_child() -> None:
    """Run the command, and tell whoever started this process how it ended."""
    from tlbench.cli.app import main as here
    from tlbench.planning import watch
    from tlbench.planning.supervised import inherited

    channel, message = inherited()
    watch.begin(lambda plugin: channel.send({"loading": plugin}), message["broken"])
    status: object = 0
    try:
        here()
    except SystemExit as stop:
        status = stop.code or 0
    channel.send({"done": status if isinstance(status, int) else 1})
    sys.exit(status)  # type: ignore[arg-type]


def _in_child(words: list[str]) -> int:
    """Run the command in a child; return its status."""
    from tlbench.planning.supervised import Supervised

    done: list[int] = []

    def take(message: dict[str, object]) -> None:
        if isinstance(status := message.get("done"), int):
            done.append(status)

    child = Supervised("tlbench", words, on_message=take)

    def forward(number: int, frame: FrameType | None) -> None:
        if child.process is not None and not (number == signal.SIGINT and _has_terminal()):
            child.process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, forward)
    ending = child.run({})
    if done:
        return done[-1]
    print(f"Error: Code of a plugin {ending.words}. List the installed plugins with: tlbench plugins", file=sys.stderr)
    return 1


def _has_terminal() -> bool:
    """Say whether Ctrl-C at the terminal reaches this process, and with it the child."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
