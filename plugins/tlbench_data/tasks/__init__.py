"""What the tasks read."""
