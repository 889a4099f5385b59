"""The baseline `classical`: features that nobody has to learn, and a linear model or trees of scikit-learn."""
