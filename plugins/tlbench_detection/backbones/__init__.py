"""Backbones whose features are cells of an image."""
