"""Answers of models on the screens: streamed, or as the result of an exact-match test."""
