"""Anomaly detection: tasks on tables with rare anomalies, and backbones for tables."""
