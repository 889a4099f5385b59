"""A plugin that says that it is written for another edition of the plugin API."""

TLBENCH_API = 3
