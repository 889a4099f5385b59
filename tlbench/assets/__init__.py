"""What comes in from outside: data sets, checkpoints and the readers of the formats they come in."""
