"""The blind arena: two answers without names, a vote, and what the votes say about the models."""
