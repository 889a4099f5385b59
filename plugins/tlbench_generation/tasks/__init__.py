"""Tasks whose answers are texts."""
