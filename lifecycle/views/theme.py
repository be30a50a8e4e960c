"""The one theme: every style that a view uses, by name.

Colour only repeats what a word says already, so a view reads the same without it.
"""

from typing import Final

from rich.theme import Theme

THEME: Final = Theme(
    {
        "view.title": "bold",
        "view.label": "dim",
        "view.border": "dim",
        "side.bid": "green",
        "side.ask": "magenta",
        "state.resting": "default",
        "state.latched": "green",
        "state.debounced": "yellow",
        "state.pending-new": "cyan",
        "state.modify-pending": "cyan",
        "state.cancelling": "cyan",
        "state.in-doubt": "bold yellow",
        "state.rejected": "red",
        "state.cancelled": "dim",
        "state.filled": "bold",
        "state.retired": "dim",
        "goal.held": "green",
        "goal.missed": "bold red",
        "goal.none": "dim",
        "alert": "bold red",
    }
)
"""A state's style is `state.` and its word."""
