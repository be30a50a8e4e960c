"""The commands: each module here defines `command`, and is found by its name."""
