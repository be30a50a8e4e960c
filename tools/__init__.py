"""For developers: compile the charts, draw, bench, make mutants. Not shipped in the wheel."""
