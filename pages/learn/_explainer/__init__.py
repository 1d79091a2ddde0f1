"""The sections of the explainer."""
