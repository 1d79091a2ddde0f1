"""The steps of the wizard Import conversations."""
