"""An example of a bot: what it wants to quote, and nothing of how orders are managed."""
