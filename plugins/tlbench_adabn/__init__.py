"""Re-estimated BatchNorm statistics (AdaBN)."""
