"""Frozen features: a new linear head on an encoder that does not change."""
