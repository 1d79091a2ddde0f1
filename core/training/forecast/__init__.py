"""Memory, time, disk and truncation before launch: method x data x device, as pure arithmetic.

What is read from the database (measured speeds) or from datasets (lengths) is handed in by `core.services.forecast`.
"""
