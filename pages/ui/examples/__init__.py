"""A labeled example on a screen: shown as a card, or edited."""
