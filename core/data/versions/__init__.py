"""The files of a dataset version: examples.parquet, findings.parquet, rejects.jsonl, and manifest.json last."""
