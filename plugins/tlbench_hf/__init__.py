"""Checkpoints of transformers, for text, speech and images."""
