"""Tasks of extractive question answering."""
