"""Plan -> rows: stages, the store that keeps them, and the loop that runs them."""
