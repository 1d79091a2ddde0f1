"""The parts of the Upload screen."""
