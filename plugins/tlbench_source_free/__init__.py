"""Adaptation to unlabelled target inputs without source data."""
