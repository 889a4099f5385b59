"""Mixing of training examples."""
