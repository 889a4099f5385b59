"""Self-supervised training on target inputs, then fine-tuning."""
