"""Object detection: a class and a box for each thing in an image."""
