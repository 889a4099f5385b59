"""Parameter-efficient fine-tuning: adapters, LoRA, prompts."""
