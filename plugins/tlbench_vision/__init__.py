"""Vision: tasks on images, and backbones for them."""
