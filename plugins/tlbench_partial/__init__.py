"""Partial fine-tuning: which weights are trained, when, and how fast."""
