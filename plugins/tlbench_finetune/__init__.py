"""Full fine-tuning on the label budget."""
