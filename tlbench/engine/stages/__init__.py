"""The stages of a pairing, one a file; `tlbench.engine.pipeline` holds their order."""
