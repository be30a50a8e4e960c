"""Seeded bugs: order managers that are wrong in a known way, and who finds them out."""
