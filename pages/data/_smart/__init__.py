"""The parts of smart mode: connections, wording, preview, and the run row by row."""
