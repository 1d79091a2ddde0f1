"""The parts of Excel workbooks: their limits, their rows, and how their cells are shown."""
