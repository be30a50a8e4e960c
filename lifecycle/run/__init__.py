"""Running a bot against a venue: the loop, its configuration, and what it shows."""
