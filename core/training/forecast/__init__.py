"""Memory, time, disk and truncation before launch: method x data x device, as pure arithmetic.

Measured speeds (from the database) and lengths (from datasets) are passed in by the services.
"""
