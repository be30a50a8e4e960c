"""The conformance corpus: lifecycle stories as files, played against the real order manager."""
