"""What `tlbench inspect` finds in the data of a task."""

from tlbench.cli.inspection.inspect import Inspection, inspect_task

__all__ = ["Inspection", "inspect_task"]
