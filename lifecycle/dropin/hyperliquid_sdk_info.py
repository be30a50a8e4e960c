"""The SDK's `Info` as a bot with managed orders has to see it: by the ids that the bot holds.

Rows of managed orders come with the bot's oid and the bot's cloid, whatever the venue calls them by
now; price and size are as they rest. What the bot has cancelled is not listed, even where the
cancel is not sent yet. Everything else is as the venue says it.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import wraps
from typing import Any, Final

from lifecycle.dropin.hyperliquid_sdk_book import BotOrder
from lifecycle.dropin.hyperliquid_sdk_desk import Desk
from lifecycle.dropin.hyperliquid_sdk_venue import cloid_of

Row = dict[str, Any]

UNKNOWN: Final = {"status": "unknownOid"}


class ManagedInfo:
    """An `Info` whose answers about the account's orders are translated."""

    def __init__(self, info: Any, desks: Mapping[str, Desk]) -> None:
        """Wrap the SDK's object; whatever is not named here is its own."""
        self._info: Final = info
        self._desks: Final = desks

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._info, name)
        return self._held(found) if callable(found) else found

    def _held(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call of the SDK's during which nothing deferred is sent."""

        @wraps(ask)
        def asked(*args: Any, **kwargs: Any) -> Any:
            with ExitStack() as holding:
                for desk in tuple(self._desks.values()):
                    holding.enter_context(desk.hold())
                return ask(*args, **kwargs)

        return asked

    def open_orders(self, address: str, dex: str = "") -> Any:
        """As the SDK's."""
        return self._open(self._held(self._info.open_orders)(address, dex))

    def frontend_open_orders(self, address: str, dex: str = "") -> Any:
        """As the SDK's."""
        return self._open(self._held(self._info.frontend_open_orders)(address, dex))

    def user_fills(self, address: str) -> Any:
        """As the SDK's."""
        return [self._named(row) for row in self._held(self._info.user_fills)(address)]

    def user_fills_by_time(self, *args: Any, **kwargs: Any) -> Any:
        """As the SDK's."""
        return [
            self._named(row) for row in self._held(self._info.user_fills_by_time)(*args, **kwargs)
        ]

    def historical_orders(self, user: str) -> Any:
        """As the SDK's."""
        rows = self._held(self._info.historical_orders)(user)
        return [{**row, "order": self._named(row["order"])} for row in rows]

    def query_order_by_oid(self, user: str, oid: int) -> Any:
        """As the SDK's, for any oid that the bot was ever told."""
        for desk in tuple(self._desks.values()):
            with desk.lock:
                one = desk.book.by_oid.get(oid)
                real = None if one is None else one.real
            if one is not None and real is not None:
                return self._status(one, self._held(self._info.query_order_by_oid)(user, int(real)))
        return self._held(self._info.query_order_by_oid)(user, oid)

    def query_order_by_cloid(self, user: str, cloid: Any) -> Any:
        """As the SDK's, for any cloid of the bot's."""
        for desk in tuple(self._desks.values()):
            with desk.lock:
                one = desk.book.by_cloid.get(cloid.to_raw().lower())
                real = None if one is None else one.real
            if one is not None:
                if real is None:
                    return dict(UNKNOWN)
                return self._status(one, self._held(self._info.query_order_by_oid)(user, int(real)))
        return self._held(self._info.query_order_by_cloid)(user, cloid)

    def subscribe(self, subscription: Any, callback: Callable[[Any], None]) -> int:
        """As the SDK's; fills and order updates come by the bot's ids."""
        translate = {
            "userFills": self._fills_message,
            "userEvents": self._fills_message,
            "orderUpdates": self._updates_message,
        }.get(subscription["type"])
        heard = callback
        if translate is not None:
            heard = lambda message: callback(translate(message))  # noqa: E731 - one expression
        number: int = self._info.subscribe(subscription, heard)
        return number

    # Rows.

    def _find(self, row: Row) -> tuple[Desk | None, BotOrder | None]:
        desk = self._desks.get(row.get("coin", ""))
        if desk is None:
            return None, None
        with desk.lock:
            cloid = row.get("cloid")
            standing = None if cloid is None else desk.book.standing_for(cloid_of(cloid))
            known = desk.book.by_oid.get(row["oid"])
            if standing is not None and (known is None or known.end):
                return desk, standing
            return desk, known

    def _named(self, row: Row) -> Row:
        """Return a row by the bot's ids."""
        _, one = self._find(row)
        return row if one is None else _by_the_bots_ids(row, one)

    def _open(self, rows: list[Row]) -> list[Row]:
        told = []
        for row in rows:
            _, one = self._find(row)
            if one is None:
                told.append(row)
            elif one.end != "canceled":
                told.append(_by_the_bots_ids(row, one))
        return told

    @staticmethod
    def _status(one: BotOrder, reply: Any) -> Any:
        record = reply.get("order")
        if record is None:
            return reply
        status = record["status"]
        if one.end == "canceled" and status == "open":
            status = one.end
        named = _by_the_bots_ids(record["order"], one)
        return {**reply, "order": {**record, "order": named, "status": status}}

    # Messages.

    def _fills_message(self, message: Any) -> Any:
        data = message["data"]
        if "fills" not in data:
            return message
        return {**message, "data": {**data, "fills": [self._named(row) for row in data["fills"]]}}

    def _updates_message(self, message: Any) -> Any:
        told = []
        for update in message["data"]:
            row = update["order"]
            desk, one = self._find(row)
            if one is None or desk is None:
                told.append(update)
            elif not (update["status"] == "canceled" and self._goes_on(desk, one, row)):
                # Of a modify the bot is told that its order rests, and not that a leg of it ended.
                told.append({**update, "order": _by_the_bots_ids(row, one)})
        return {**message, "data": told}

    @staticmethod
    def _goes_on(desk: Desk, one: BotOrder, row: Row) -> bool:
        """Say whether an order rests on although this leg of it has ended."""
        with desk.lock:
            order = None if one.order is None else desk.manager.orders.get(one.order)
            if order is None or order.is_closed or one.end:
                return False
            return order.is_modifying or order.oid != str(row["oid"])


def _by_the_bots_ids(row: Row, one: BotOrder) -> Row:
    named = dict(row)
    if one.oid is not None:
        named["oid"] = one.oid
    if one.cloid is not None:
        named["cloid"] = one.cloid
    elif named.get("cloid") is not None and "tif" in named:
        named["cloid"] = None
    else:
        named.pop("cloid", None)
    return named
