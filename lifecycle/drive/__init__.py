"""Driving an order manager: whatever stands between its decisions and a venue."""
