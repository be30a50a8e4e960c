"""The checker: exhaustive exploration of the shipped order manager in an adversarial world."""
