"""What adaptation changed inside a model."""
