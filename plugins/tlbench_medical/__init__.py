"""Medicine: tasks on generated images of lesions."""
