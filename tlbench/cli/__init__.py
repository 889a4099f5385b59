"""The command line: one module for each command, which is imported when the command is called."""

from tlbench.cli.app import COMMANDS, main

__all__ = ["COMMANDS", "main"]
