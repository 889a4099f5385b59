"""Speech: tasks on spoken words, and backbones for audio."""
