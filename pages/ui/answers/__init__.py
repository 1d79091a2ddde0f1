"""Answers of models: streamed, and counted by an exact-match test."""
