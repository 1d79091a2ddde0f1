"""Parquet files: their checks, their values, and what pandas and Hugging Face write about their columns."""
