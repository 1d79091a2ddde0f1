"""The parts of the screen Datasets: the wall, the tabs of one dataset, and what edits it."""
