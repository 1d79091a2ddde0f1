"""Servers with the recorded shapes of hosted training services: strict, and misbehaving on demand."""
