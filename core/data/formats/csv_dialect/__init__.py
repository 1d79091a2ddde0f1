"""How the text of a CSV is cut into cells, and how that is inferred from the beginning of a file."""
