"""The parts of the screen Shutdowns."""
