"""Adversarial adaptation without target labels: DANN and CDAN."""
