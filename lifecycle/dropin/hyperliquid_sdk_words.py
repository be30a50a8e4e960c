"""What the SDK and the venue would say: answers, and refusals of what has no valid form."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from exchange.hyperliquid.instruments import Asset
from exchange.words import Side
from lifecycle.dropin.hyperliquid_sdk_book import BotOrder
from lifecycle.dropin.hyperliquid_sdk_desk import Desk

GONE: Final = "Order was never placed, already canceled, or filled."
ENDED: Final = "Cannot modify canceled or filled order"
FORM: Final = "Attempted to modify to invalid new order"
MODIFIABLE: Final = ("Alo", "Gtc")
"""The venue takes a modify to Gtc for one to Alo."""

Status = dict[str, Any] | str


def find(desk: Desk, named: Any) -> BotOrder | None:
    """Return the bot's order of an oid or a cloid."""
    with desk.lock:
        if isinstance(named, int):
            return desk.book.by_oid.get(named)
        return desk.book.by_cloid.get(named.to_raw().lower())


def may_become(one: BotOrder, order: Any) -> bool:
    """Say whether the venue would take an order for the change of another."""
    tif = order["order_type"].get("limit", {}).get("tif")
    side = Side.BUY if order["is_buy"] else Side.SELL
    return side is one.side and tif in MODIFIABLE and not order.get("reduce_only")


def answer_of(desk: Desk, one: BotOrder | str) -> Status:
    """Return what the SDK would of an order that rests or was refused."""
    if isinstance(one, str):
        return {"error": one}
    if one.error:
        return {"error": one.error}
    resting: dict[str, Any] = {"oid": desk.book.name(one)}
    if one.cloid is not None:
        resting["cloid"] = one.cloid
    return {"resting": resting}


def form_of(asset: Asset, px: str, sz: str) -> tuple[int, int] | str:
    """Return price and size in units, or what the venue would say is wrong with them."""
    instrument, suffix = asset.instrument, f" asset={asset.id}"
    price = Decimal(px) / instrument.price_unit
    qty = Decimal(sz) / instrument.lot
    if price <= 0:
        return "Order has invalid price." + suffix
    if price != int(price) or not instrument.is_valid_price(int(price)):
        return "Price must be divisible by tick size." + suffix
    if qty == 0:
        return "Order has zero size." + suffix
    if qty < 0 or qty != int(qty):
        return "Order has invalid size." + suffix
    if not instrument.is_valid_notional(int(price), int(qty)):
        return f"Order must have minimum value of ${instrument.min_notional}." + suffix
    return int(price), int(qty)


def in_the_way(asset: Asset) -> str:
    """Say that another order of the bot is where this one would be."""
    return f"Order was not sent: an order of your own is in the way. asset={asset.id}"


def statuses_of(reply: Any, count: int) -> list[Status]:
    """Return the SDK's answer item by item."""
    response = reply.get("response") if isinstance(reply, dict) else None
    if isinstance(response, dict):
        statuses: list[Status] = response.get("data", {}).get("statuses", [])
        if len(statuses) == count:
            return statuses
        if len(statuses) == 1:
            return statuses * count
    return [{"error": response if isinstance(response, str) else str(reply)}] * count


def fill_in(into: list[Status], places: list[int], found: list[Status]) -> None:
    """Put what was found into its places."""
    for place, status in zip(places, found, strict=True):
        into[place] = status


def text_of(value: float) -> str:
    """Write a number as the SDK does; raises ValueError where it would."""
    from hyperliquid.utils.signing import float_to_wire

    text: str = float_to_wire(value)
    return text


def cloid_type() -> Callable[[str], Any]:
    """Return the SDK's type of client order ids."""
    from hyperliquid.utils.types import Cloid

    made: Callable[[str], Any] = Cloid
    return made
