"""Shared by the verbs: the error boundary, settings as `--set name=value`, tables and JSON, waiting for tasks."""
