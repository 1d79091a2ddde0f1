"""The parts of Feedback."""
