"""How a labeled example is shown and edited."""
