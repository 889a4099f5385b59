"""Transformations of training batches, by modality; tasks name those that keep their labels."""
