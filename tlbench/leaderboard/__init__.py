"""Boards: what is rendered from rows. Light, and the same bytes for the same rows."""
