"""The parts of the screen *Evaluate*."""
