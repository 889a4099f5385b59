"""Checkpoints of transformers, for text and for speech."""
