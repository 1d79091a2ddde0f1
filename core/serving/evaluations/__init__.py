"""Evaluations in the database: what was asked, what the models answered, and the verdicts."""
