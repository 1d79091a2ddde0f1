"""The Quality tab: score, worklist, charts."""
