"""Adaptation to unlabelled target inputs without source data: SHOT, TENT and pseudo-labels."""
