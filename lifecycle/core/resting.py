"""What rests of a manager's orders, for those who count what order management is worth."""

from typing import Final

from exchange.units import Price
from exchange.words import Cloid
from lifecycle.core.manager import OrderManager
from spec.states import Phase

_RESTING: Final = Phase.RESTING


def resting_of(manager: OrderManager) -> dict[Cloid, Price]:
    """Return the price of every order that rests."""
    orders = manager.open_orders
    return {cloid: order.price for cloid, order in orders.items() if order.phase is _RESTING}
