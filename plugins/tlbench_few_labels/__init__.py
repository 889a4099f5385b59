"""Learning from few labels: semi-supervised, prototypes, episodes, label names."""
