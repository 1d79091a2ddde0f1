"""The parts of the wizard Convert data."""
