"""Measurements: how fast it is, and whether it behaves as what was recorded live."""
