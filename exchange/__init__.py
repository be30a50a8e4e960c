"""The world: the vocabulary of orders and markets, and the venues. Knows nothing of us."""
