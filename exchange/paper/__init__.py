"""The paper venue: recorded and generated markets, and an exchange that trades against them."""
