"""The book that a bot of the Hyperliquid SDK believes in: its orders, and the cancels not yet sent.

A bot that cancels an order and places another one for it means one change. So a cancelled order
stays here as *deferred*: it still counts as wanted, until a new order of its side takes its place,
the nearest first, or until it is dropped. What is wanted becomes targets; which order of the
manager's stands for which of the bot's is read off the decisions of each cycle.

The bot's ids outlive the venue's: an order of the bot answers to every oid that it was ever told,
whichever order stands for it now. Everything here is synchronous, and knows no clock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from exchange.units import Price, Qty
from exchange.words import Cloid, Oid, Side
from lifecycle.core.order import Order
from spec.states import Phase
from spec.trace import Decision, Reason, Target, Targets

INVENTED: Final = 1 << 52
"""Oids of our own making begin here: far above the venue's, and still exact as a double."""
IDS_MAX: Final = 20_000
"""Ids remembered; a naive bot makes 2400 an hour."""


@dataclass(slots=True, eq=False)
class BotOrder:
    """One order as the bot knows it."""

    side: Side
    price: Price
    qty: Qty
    """What the bot wants to rest: what it asked for, less what has filled."""
    cloid: str | None = None
    """The bot's own client order id, as the venue would show it."""
    oid: int | None = None
    """As it was told last."""
    order: Cloid | None = None
    """Of the manager's order that stands for it, None where none does."""
    real: Oid | None = None
    """The venue's oid of that, the last one known."""
    counted: Qty = 0
    """How much of that order's fills is not this one's, or taken off `qty` already."""
    reason: Reason | None = None
    """Why no order stands for it, or why its order is not as wanted."""
    request: int = 0
    """The newest request that was sent for it."""
    end: str = ""
    """How it ended, in the venue's word; empty while it is wanted or deferred."""
    error: str = ""
    """Why it was refused."""
    failure: Exception | None = None
    """What the SDK raised, where what became of it is unknown."""


@dataclass(slots=True, eq=False)
class BotBook:
    """All orders of one coin that the bot knows."""

    live: list[BotOrder] = field(default_factory=list)
    """Those that it wants."""
    deferred: list[BotOrder] = field(default_factory=list)
    """Those that it has cancelled, and whose cancel was not sent."""
    by_oid: dict[int, BotOrder] = field(default_factory=dict)
    """Each oid that the bot was told, and each that the venue gave to one of its orders."""
    by_cloid: dict[str, BotOrder] = field(default_factory=dict)
    acted: set[Cloid] = field(default_factory=set)
    """Orders of the manager's that were modified or cancelled: what ends one of these is our doing,
    and the bot's order goes on being wanted."""
    invented: int = 0

    # What the bot does.

    def has_price(self, side: Side, price: Price) -> bool:
        """Say whether the bot has an order at this price already."""
        return any(one.side is side and one.price == price for one in self.live)

    def meets(self, side: Side, price: Price) -> bool:
        """Say whether a price would meet an order of the bot's other side."""
        return any(
            (price - one.price) * side >= 0 for one in self.live if one.side is side.opposite
        )

    def add(self, side: Side, price: Price, qty: Qty, cloid: str | None = None) -> BotOrder:
        """Take a new order; it takes the place of the nearest of its side that was cancelled."""
        new = BotOrder(side, price, qty, cloid)
        before = [one for one in self.deferred if one.side is side]
        if before:
            nearest = min(before, key=lambda one: abs(one.price - price))
            self.deferred.remove(nearest)
            new.order, new.real, new.counted = nearest.order, nearest.real, nearest.counted
        self.live.append(new)
        if cloid is not None:
            self.by_cloid[cloid] = new
        _forget(self.by_cloid)
        _forget(self.by_oid)
        return new

    def defer(self, order: BotOrder) -> None:
        """Take a cancel that is not sent now."""
        self.live.remove(order)
        order.end = "canceled"
        if order.order is not None:
            self.deferred.append(order)

    def drop_deferred(self) -> None:
        """Want none of the cancelled orders any more: the next cycle cancels them."""
        self.deferred.clear()

    def finish(self, order: BotOrder, how: str) -> None:
        """End an order, and want nothing for it."""
        if order in self.live:
            self.live.remove(order)
        if order in self.deferred:
            self.deferred.remove(order)
        order.end = order.end or how

    def name(self, order: BotOrder) -> int:
        """Return the oid to tell the bot: the venue's, unless another order goes by that."""
        real = None if order.real is None else int(order.real)
        taken = None if real is None else self.by_oid.get(real)
        free = taken is None or taken is order or taken not in self.live or taken.oid != real
        if real is not None and free:
            order.oid = real
        elif order.oid is None:
            self.invented += 1
            order.oid = INVENTED + self.invented
        self.by_oid[order.oid] = order
        return order.oid

    def restored(self, order: Order) -> None:
        """Take an order that rests since before the start, as the bot left it."""
        side, real = order.side, order.oid
        known = BotOrder(side, order.price, order.leaves, order=order.cloid, real=real)
        known.counted = order.filled
        self.live.append(known)
        if real is not None:
            self.name(known)

    # What the manager is told, and has decided.

    def targets(self) -> tuple[Targets, dict[Side, list[BotOrder]]]:
        """Return what is wanted, and the bot's orders behind it, level by level.

        A deferred order is left out where it would be in the way of one that is wanted, and where
        one that is wanted has no order: it shall have this one's.
        """
        sides: dict[Side, list[BotOrder]] = {}
        for side in Side:
            there = {one.price: one for one in self.live if one.side is side}
            if all(one.order is not None for one in there.values()):
                for old in self.deferred:
                    in_way = old.price in there or self.meets(side, old.price)
                    if old.side is side and not in_way:
                        there[old.price] = old
            sides[side] = [there[price] for price in sorted(there, reverse=side is Side.BUY)]
        self._part(sides)
        bids, asks = (
            tuple(Target(one.price, one.qty) for one in sides[side])
            for side in (Side.BUY, Side.SELL)
        )
        return Targets(bids, asks), sides

    def _part(self, sides: dict[Side, list[BotOrder]]) -> None:
        """Leave out deferred orders that meet deferred orders of the other side."""
        bids, asks = sides[Side.BUY], sides[Side.SELL]
        while bids and asks and bids[0].price >= asks[0].price:
            side = bids if bids[0] in self.deferred else asks
            side.pop(0)

    def bind(
        self,
        decisions: Iterable[Decision],
        sides: Mapping[Side, list[BotOrder]],
        orders: Mapping[Cloid, Order],
        requests: Mapping[Cloid, int],
    ) -> None:
        """Note which order of the manager's stands for which of the bot's, and what was sent."""
        for decision in decisions:
            if decision.level < 0:
                continue
            one = sides[decision.side][decision.level]
            one.reason = decision.reason
            if decision.cloid is None:
                one.order = None
                continue
            if decision.cloid != one.order:
                one.order, one.real = decision.cloid, None
                one.counted = orders[decision.cloid].filled
            one.request = requests.get(decision.cloid, one.request)
        self.learn(orders)

    # What has become of them.

    def learn(self, orders: Mapping[Cloid, Order]) -> bool:
        """Take in what the manager has learnt; True where something is not as it is wanted now."""
        lost = False
        for one in [*self.live, *self.deferred]:
            order = None if one.order is None else orders.get(one.order)
            if order is None:
                continue
            if order.oid is not None and order.oid != one.real:
                one.real = order.oid
                self._enter(int(order.oid), one)
            one.qty -= order.filled - one.counted
            one.counted = order.filled
            if order.is_closed and order.phase is Phase.FILLED:
                self.finish(one, "filled")
            elif one.qty <= 0:
                lost = True
                self.finish(one, "filled")
            elif order.is_closed:
                lost = True
                one.order = None
                if one in self.deferred:
                    self.deferred.remove(one)
                elif order.phase is Phase.CANCELLED and order.cloid not in self.acted:
                    self.finish(one, "canceled")
        return lost

    def _enter(self, real: int, one: BotOrder) -> None:
        """Have the venue's oid mean this order, unless the bot knows another one by it."""
        other = self.by_oid.get(real)
        if other is None or other not in self.live or other.oid != real:
            self.by_oid[real] = one

    def standing_for(self, cloid: Cloid) -> BotOrder | None:
        """Return the bot's order for which an order of the manager's stands."""
        for one in [*self.live, *self.deferred]:
            if one.order == cloid:
                return one
        return None


def _forget(known: dict[Any, BotOrder]) -> None:
    """Forget the oldest ids, where there are many, of orders that have ended."""
    if len(known) > IDS_MAX:
        ended = [name for name, one in known.items() if one.end]
        for name in ended[: IDS_MAX // 2]:
            del known[name]
