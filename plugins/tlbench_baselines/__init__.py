"""Bounds that make a score readable: majority, source-only, scratch, oracle."""
