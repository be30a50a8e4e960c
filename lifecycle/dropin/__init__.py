"""Drop-ins: the order lifecycle for bots that are already written, each in the shape they know."""
