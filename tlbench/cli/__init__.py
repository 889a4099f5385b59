"""The command line: one module for each command, which is imported when the command is called."""

from tlbench.cli.entry import main

__all__ = ["main"]
