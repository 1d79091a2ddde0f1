"""Visits of jobs at hosted services: each does what it can, and says when to come again."""
