"""Leaderboards: pages, tables and pictures rendered from rows. Light, and the same bytes for the same rows."""
