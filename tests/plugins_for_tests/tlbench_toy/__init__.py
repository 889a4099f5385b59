"""Small data and small networks, learnt in a fraction of a second."""
