"""Shared by the handlers in which a language model writes examples: `smart`, `smart_again` and `variations`."""
