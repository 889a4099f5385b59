"""Tasks of object detection."""
