"""Texts that answer prompts: summaries and completions by causal decoders."""
