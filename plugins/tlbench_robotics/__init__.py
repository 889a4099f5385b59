"""Robotics: tasks on the series that a controlled arm leaves, and backbones for series."""
