"""Long runs in which everything fails, and nothing may be lost."""
