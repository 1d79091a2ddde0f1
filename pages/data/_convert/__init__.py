"""The steps of the wizard Convert data."""
