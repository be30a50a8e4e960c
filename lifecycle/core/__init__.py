"""The order manager as a function: no I/O, clock, randomness, logging, `await` or global state."""
