"""The sections of the explainer, with their texts."""
