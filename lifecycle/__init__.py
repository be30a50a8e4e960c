"""A verified order lifecycle for market-making bots: keep what rests, change little, say why.

The pure core is here; bring your own loop. Feed `OrderManager.cycle` the quotes that are wanted,
`receive` every report of the venue, and send what comes back; `Portfolio` is one order manager for
many instruments, `open_portfolio` one with a journal. For a bot that would rather not, `connect`
does that beside an asyncio loop, `connect_sync` beside none, and `CallbackVenue` makes a venue of
four functions; these are loaded when they are first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from lifecycle.config import LEGACY, STABLE, Config
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from lifecycle.core.smoothing import Smoothing
from spec.trace import Decision, Plan, Reaction, Target, Targets

if TYPE_CHECKING:
    from lifecycle.core.portfolio import Portfolio, Quote
    from lifecycle.drive.portfolio import open_portfolio
    from lifecycle.dropin.callbacks import CallbackVenue
    from lifecycle.dropin.connecting import connect
    from lifecycle.dropin.sync import connect_sync

__all__ = [
    "LEGACY",
    "STABLE",
    "CallbackVenue",
    "Config",
    "Decision",
    "Order",
    "OrderManager",
    "Plan",
    "Portfolio",
    "Quote",
    "Reaction",
    "Smoothing",
    "Target",
    "Targets",
    "connect",
    "connect_sync",
    "open_portfolio",
]

_LATER: Final = {
    "Portfolio": "lifecycle.core.portfolio",
    "Quote": "lifecycle.core.portfolio",
    "CallbackVenue": "lifecycle.dropin.callbacks",
    "connect": "lifecycle.dropin.connecting",
    "connect_sync": "lifecycle.dropin.sync",
    "open_portfolio": "lifecycle.drive.portfolio",
}
"""What brings in asyncio, sqlite3 and more, and whence it comes."""


def __getattr__(name: str) -> Any:
    """Load what is not needed to start; raises AttributeError for what there is not."""
    module = _LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
