"""The parts of the Mix screen."""
