"""Telling the life of an order from a journal, with the numbers that decided about it."""
