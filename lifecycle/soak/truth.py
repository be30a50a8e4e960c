"""What the venue knows and no record does: held against what the order manager believes.

The invariants judge a record by itself. Here it is judged by what really rests and has filled: what
rests and is ours is believed to be possibly live; never more of it than is wanted; every fill is
booked, once; no name is used twice; and in the end both sides agree to the last lot.

A record that was lost with the power excuses only what it would have told: an order placed in it is
unknown until the venue lists it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from exchange.commands import Place
from exchange.paper.venue import PaperVenue
from exchange.words import Cloid, Side
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from spec.rules import Rules, drift_bps
from spec.states import Request
from spec.trace import Action, Cycled, Reason, Record, Targets

HARD: Final = frozenset({Reason.EXPOSURE, Reason.QUOTA, Reason.SIZE, Reason.COLLAR, Reason.INVALID})
"""Reasons for which a target may stay without its order, or an order beside its target, though all
is well."""


class WrongError(Exception):
    """Record and truth cannot both be."""

    def __init__(self, text: str, cloid: Cloid | None = None) -> None:
        super().__init__(text)
        self.cloid = cloid


class Truth:
    """The venue's side of a run."""

    def __init__(self, venue: PaperVenue, rules: Rules) -> None:
        self._venue = venue
        self._rules = rules
        self.foreign: set[Cloid] = set()
        """Orders that somebody else placed."""
        self._lost: dict[Cloid, Side] = {}
        """Orders placed in records that are lost."""
        self._most = {Side.BUY: 0, Side.SELL: 0}
        """The most targets that a side ever had."""

    def wants(self, targets: Targets) -> None:
        """Take note of what is wanted."""
        for side, wanted in ((Side.BUY, targets.bids), (Side.SELL, targets.asks)):
            self._most[side] = max(self._most[side], len(wanted))

    def lose(self, records: Iterable[Record]) -> None:
        """Take note of records that are lost."""
        for record in records:
            if isinstance(record, Cycled):
                for command in record.plan.commands:
                    if isinstance(command, Place):
                        self._lost[command.cloid] = command.side

    # At every cycle.

    def at_a_cycle(self, manager: OrderManager) -> None:
        """Raise WrongError where something rests that should not, or that nobody knows of."""
        venue = self._venue
        if venue.repeated:
            raise WrongError("a place was refused because its cloid rests already")
        resting = Counter[Side]()
        for row in venue.open_orders():
            cloid = row.cloid or ""
            if cloid in self.foreign:
                continue
            resting[row.side] += 1
            is_forgotten = cloid in self._lost and cloid not in manager.orders
            if cloid in manager.open_orders or is_forgotten:
                continue
            known = "is believed closed" if cloid in manager.orders else "is on no record"
            raise WrongError(f"{cloid} rests and {known}", cloid)
        for side, most in self._most.items():
            lost = sum(1 for other in self._lost.values() if other is side)
            if resting[side] > most + lost:
                word = "bids" if side is Side.BUY else "asks"
                raise WrongError(f"{resting[side]} {word} rest, {most} were wanted at most")

    # When all is healed and the market stands.

    def unrest(self, manager: OrderManager, cycle: Cycled) -> str:
        """Say what is not at rest in the newest cycle; empty if all is."""
        plan = cycle.plan
        if plan.commands:
            return "something is sent still"
        if manager.is_blind:
            return "it is blind"
        for order in manager.open_orders.values():
            if order.request is not Request.IDLE:
                return f"{order.cloid} is {order.state.value}"
        for decision in plan.decisions:
            if decision.action is not Action.KEEP and decision.reason not in HARD:
                return f"{decision.cloid or 'a target'} waits: {decision.reason.value}"
        return self.difference(manager) or self._unwanted(manager, cycle)

    def difference(self, manager: OrderManager) -> str:
        """Return how record and venue differ, empty where they agree."""
        ours = sorted(_row(order) for order in manager.open_orders.values())
        theirs = sorted(
            (row.oid, row.price, row.qty)
            for row in self._venue.open_orders()
            if row.cloid not in self.foreign or row.cloid in manager.open_orders
        )
        if ours != theirs:
            return f"{ours} rests by the record (oid, price, left), {theirs} in truth"
        if manager.position != self._venue.position:
            return (
                f"the position is {manager.position} by the record, {self._venue.position} in truth"
            )
        return ""

    def _unwanted(self, manager: OrderManager, cycle: Cycled) -> str:
        """Say what rests and is not as wanted, empty if nothing."""
        if any(decision.action is not Action.KEEP for decision in cycle.plan.decisions):
            # A hard limit keeps it from that.
            return ""
        wanted = cycle.wanted
        for side, targets in ((Side.BUY, wanted.bids), (Side.SELL, wanted.asks)):
            orders = [one for one in manager.open_orders.values() if one.side is side]
            orders.sort(key=lambda one: -one.price * one.side)
            if len(orders) != len(targets):
                return f"{len(orders)} rest on a side, {len(targets)} are wanted"
            for level, (order, target) in enumerate(zip(orders, targets, strict=True)):
                latch = self._rules.latch(wanted, level, cycle.market.volatility)
                latch *= (1 + self._rules.queue_bonus) * self._rules.widest_factor
                if drift_bps(order.price, target.price) > latch:
                    return f"{order.cloid} rests at {order.price}, {target.price} is wanted"
        return ""

    # At the end.

    def at_the_end(self, manager: OrderManager) -> None:
        """Raise WrongError where anything of ours rests, or a fill is lost or counted twice."""
        venue = self._venue
        for row in venue.open_orders():
            if row.cloid not in self.foreign or row.cloid in manager.orders:
                raise WrongError(
                    f"{row.cloid} rests, and it was proven that nothing does", row.cloid
                )
        difference = self.difference(manager)
        if difference:
            raise WrongError(difference)
        for cloid in venue.known:
            if cloid not in manager.orders and cloid not in self.foreign | self._lost.keys():
                raise WrongError(f"{cloid} came to the venue and is on no record", cloid)
        booked = Counter(
            trade for order in manager.orders.values() for leg in order.legs for trade in leg.trades
        )
        for fill in venue.fills:
            times = booked.pop(fill.trade_id, 0)
            # Of an order taken over no leg is on record that was replaced before: what that filled
            # is in the position, which was compared, and has no order.
            is_of_lost_leg = times == 0 and fill.cloid in self._lost
            if times != 1 and fill.cloid in manager.orders and not is_of_lost_leg:
                what = f"fill {fill.trade_id} of {fill.cloid} is booked {times} times"
                raise WrongError(what, fill.cloid)
        if booked:
            raise WrongError(f"fills {', '.join(booked)} are booked and never happened")


def _row(order: Order) -> tuple[str, int, int]:
    return order.oid or "", order.price, order.leaves
