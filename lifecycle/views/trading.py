"""The screen of a run at a live venue: what kind of run it is, and what it says, over a moment.

A pure function, as all views are; the moment itself is drawn by `lifecycle.views.live`.
"""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from lifecycle.run.frame import Frame
from lifecycle.views.live import WIDTH_MAX, live

NOTES_MAX: Final = 6
_BORDER: Final = 2


def trading(
    frame: Frame, banner: str, notes: Sequence[str], width: int, height: int | None = None
) -> RenderableType:
    """Draw `frame` under a banner, with what it was restored from and the newest notes."""
    told = [*frame.recovery, *notes][-NOTES_MAX:]
    lines = [Text(line, overflow="ellipsis", no_wrap=True) for line in told]
    above = Panel(
        Group(Text(banner, style="alert", overflow="ellipsis", no_wrap=True), *lines),
        border_style="view.border",
        box=box.ROUNDED,
        width=min(width, WIDTH_MAX),
    )
    left = None if height is None else height - len(lines) - 1 - _BORDER
    return Group(above, live(frame, width, left))
