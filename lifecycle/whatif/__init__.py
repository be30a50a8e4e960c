"""What other settings would have done on the targets and the market of a journal.

`recorded` reads a journal and measures the run as it was; what a model needs of it is a `script`.
`trips` estimates from the answers how long requests took, `scene` makes a market of what the
journal saw, or takes a recorded one, and `model` plays the script on it with any settings.
"""
