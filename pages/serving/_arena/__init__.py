"""Parts of the Arena screen."""
