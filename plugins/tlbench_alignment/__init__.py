"""Alignment of source and target features without target labels."""
