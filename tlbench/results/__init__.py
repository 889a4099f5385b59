"""Rows: one versioned record for each run, what its fields mean, and how it is written and read."""
