"""Encoders of speakers, which are found by name."""
