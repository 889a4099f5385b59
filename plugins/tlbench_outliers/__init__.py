"""Detectors of anomalies that learn from normal examples alone, on frozen features."""
