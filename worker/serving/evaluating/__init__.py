"""Evaluations: asks models, in batches, and stores what they answer."""
