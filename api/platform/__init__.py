"""What every request passes: addresses, keys, limits, errors."""
