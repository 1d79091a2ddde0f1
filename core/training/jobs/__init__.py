"""The frozen spec of a fine-tuning job, and how its automatic settings become numbers."""
