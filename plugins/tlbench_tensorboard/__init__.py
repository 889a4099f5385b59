"""Losses and scores of a run for TensorBoard."""
