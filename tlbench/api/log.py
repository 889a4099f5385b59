"""The logger of everything that a command shows; `--log-file` gives it a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tlbench.results.escapes import plain

LOG = logging.getLogger("tlbench.shown")
LOG.addHandler(logging.NullHandler())
LOG.setLevel(logging.DEBUG)
# It is on the screen already: a handler of the root logger would show it twice.
LOG.propagate = False
FORMAT = "%(asctime)s %(levelname)s %(message)s"


class LogFile(logging.FileHandler):
    """A file that is given up where it cannot be written any more: a run goes on without its log."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        import click

        LOG.removeHandler(self)
        click.echo(f'Error: "{plain(self.baseFilename)}" cannot be written any more: the log ends here.', err=True)


def log_to(path: Path) -> None:
    """Add what is shown to the end of a file. Raises `OSError` if it cannot be written."""
    handler = LogFile(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(logging.Formatter(FORMAT))
    LOG.addHandler(handler)


@contextmanager
def log_file_closed() -> Iterator[None]:
    """Close the file at the end, if there is one."""
    try:
        yield
    finally:
        for handler in LOG.handlers[:]:
            if isinstance(handler, LogFile):
                LOG.removeHandler(handler)
                with suppress(OSError):
                    handler.close()
