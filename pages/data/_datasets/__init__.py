"""The parts of the screen Datasets: examples, quality, versions, and what changes them."""
