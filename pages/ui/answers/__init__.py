"""Answers of models on the screens: streamed, as the report of an evaluation, or as scores."""
