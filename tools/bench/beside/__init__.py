"""What is measured of peers, each by a script that runs in an environment of the peer's own."""
