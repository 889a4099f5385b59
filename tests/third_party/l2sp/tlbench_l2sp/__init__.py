"""L2-SP as a strategy of tlbench."""
