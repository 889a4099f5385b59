"""Strategies that leave the encoder as it is: source-only and frozen features."""
