"""Published checkpoints of other formats -> folders that transformers reads: `tlbench fetch` calls these functions."""
