"""A verified order lifecycle for market-making bots: keep what rests, change little, say why.

The pure core is here; bring your own loop. Feed `OrderManager.cycle` the quotes that are wanted,
`receive` every report of the venue, and send what comes back.
"""

from lifecycle.config import LEGACY, STABLE, Config
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from lifecycle.core.smoothing import Smoothing
from spec.trace import Decision, Plan, Reaction, Target, Targets

__all__ = [
    "LEGACY",
    "STABLE",
    "Config",
    "Decision",
    "Order",
    "OrderManager",
    "Plan",
    "Reaction",
    "Smoothing",
    "Target",
    "Targets",
]
