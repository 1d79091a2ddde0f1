"""Texts that are nearly the same."""
