"""Natural language: tasks on text, and backbones for them."""
