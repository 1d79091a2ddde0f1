"""The parts of the screen Import conversations."""
