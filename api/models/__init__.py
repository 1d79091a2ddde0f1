"""Base models and the ways of fine-tuning them."""
