"""What a strategy computes with: examples, models, kinds, metrics and the training loop."""
