"""Fine-tuning that forgets less of the source."""
