"""The views: pure functions from what a run knows to something that `rich` can render.

They ask no clock and no terminal; a view is a function of its arguments, so it can be pinned as
text. `live` draws a moment, `before_after` and `single` what remains at the end.
"""

from lifecycle.views.before_after import before_after, single
from lifecycle.views.live import live

__all__ = ["before_after", "live", "single"]
