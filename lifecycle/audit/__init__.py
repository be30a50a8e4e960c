"""Holding a recorded run to the invariants: a journal of ours, or the log of another bot."""
