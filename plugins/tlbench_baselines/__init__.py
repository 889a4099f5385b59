"""Baselines that make a score readable: constant, source-only, scratch, all-labels, classical."""
