"""Transferability estimators."""
