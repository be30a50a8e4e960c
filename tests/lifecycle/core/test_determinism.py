"""Any sequence of inputs, twice: equal outputs, and what must hold whatever is said.

Hypothesis draws abstract steps; `Driver` turns each into an input about an order as it stands by
then, so that most steps are about something, and many are wrong.
"""

from typing import Final

import pytest
from hypothesis import given

from exchange.commands import Cancel, Modify, Place, QueryOpen, QueryOrder
from exchange.market import Market
from exchange.reports import (
    Accepted,
    Cancelled,
    CancelRejected,
    Disconnected,
    Fill,
    Limited,
    Modified,
    ModifyRejected,
    OpenOrder,
    OrderStatus,
    Reconnected,
    Rejected,
    Report,
    Snapshot,
)
from exchange.units import MILLISECOND
from exchange.words import Alive, CancelReason, Outcome, Side, Status
from lifecycle.config import Config
from lifecycle.core.manager import OrderManager
from lifecycle.core.order import Order
from lifecycle.core.traced import TracedManager
from lifecycle.trace import replay
from spec.trace import Cycled, Record, Reported, Targets
from tests.attributes import attributes
from tests.story import AMENDING, INSTRUMENT, PLAIN, REPLACING
from tests.strategies import Step, steps

SILENT: Final = frozenset({"limited", "disconnected", "reconnected"})


def new_manager(config: Config = PLAIN, *, amends: bool = False) -> OrderManager:
    """Return a manager that has been told nothing."""
    return OrderManager(INSTRUMENT, config=config, capabilities=AMENDING if amends else REPLACING)


class Driver:
    """A manager with its trace, told one abstract step after another."""

    def __init__(self, *, amends: bool) -> None:
        self.trace: list[Record] = []
        self.traced = TracedManager(new_manager(amends=amends), self.trace.append)
        self.now = 0
        self.requests: dict[str, Place | Modify | Cancel] = {}
        """The newest request of each order."""

    def take(self, step: Step) -> None:
        """Turn one step into an input."""
        self.now += step.ms * MILLISECOND
        orders = list(self.traced.manager.orders.values())
        if step.kind == "cycle" or not orders:
            self.cycle(step)
        elif step.kind in {"tick", "wait"}:
            self.traced.tick(self.now)
        elif step.kind == "restart":
            self.traced.restarted(self.now)
        elif step.kind in {"unanswered", "unsent"}:
            command = self.requests[orders[step.order % len(orders)].cloid]
            outcome = Outcome.NOT_SENT if step.kind == "unsent" else Outcome.TIMEOUT
            self.traced.unanswered(command, outcome, self.now)
        else:
            number = step.order % len(orders)
            self.traced.receive(self.report(step, orders[number], number), self.now)

    def cycle(self, step: Step) -> None:
        """Run one cycle, and keep what it sent."""
        targets = Targets(step.bids, step.asks)
        plan = self.traced.cycle(self.now, targets, Market(self.now, None, None))
        for command in plan.commands:
            if isinstance(command, (Place, Modify, Cancel)):
                self.requests[command.cloid] = command

    def report(self, step: Step, order: Order, number: int) -> Report:
        """Say something about one order, or about the venue."""
        at = max(0, self.now - step.ago_ms * MILLISECOND)
        cloid, oid = order.cloid, f"{number}-{step.leg}"
        request = (0, order.request_no, 1)[step.choice % 3]
        match step.kind:
            case "accepted":
                return Accepted(at, cloid, oid, request)
            case "rejected":
                return Rejected(at, cloid, "no", request)
            case "fill":
                return Fill(at, cloid, oid, step.qty, step.price, f"t{step.trade}")
            case "modified":
                return Modified(at, cloid, oid, order.goal_qty, order.goal_price, request)
            case "refused":
                alive = list(Alive)[step.choice % len(Alive)]
                return ModifyRejected(at, cloid, "no", alive, request)
            case "cancelled":
                named = None if step.choice == 0 else oid
                return Cancelled(at, cloid, named, list(CancelReason)[step.choice])
            case "too_late":
                return CancelRejected(at, cloid, "too_late", request)
            case "status":
                status = list(Status)[step.choice % len(Status)]
                return OrderStatus(at, cloid, status, step.qty if step.trade else None)
            case "limited":
                return Limited(at)
            case "disconnected":
                return Disconnected(at)
            case "reconnected":
                return Reconnected(at)
            case _:
                return self.snapshot(step, at)

    def snapshot(self, step: Step, at: int) -> Snapshot:
        """List the orders whose bit of the choice is set, as they are, and one stranger."""
        rows = [
            OpenOrder(order.oid or f"{i}-{step.leg}", order.cloid, order.side, order.price, 1)
            for i, order in enumerate(self.traced.manager.orders.values())
            if not order.is_closed and step.choice >> i % 3 & 1 and order.leaves
        ]
        return Snapshot(at, (*rows, OpenOrder("stranger", None, Side.BUY, 9_000, 5)))


def digest(manager: OrderManager) -> object:
    """Return everything that a manager remembers, as values that can be compared."""
    desk = manager._desk

    def told(thing: object) -> dict[str, object]:
        held = {name: getattr(thing, name) for name in attributes(thing)}
        return {name: value for name, value in held.items() if name != "settings"}

    orders = [
        {
            **told(order),
            "leg": told(order.leg),
            "old_legs": [told(leg) for leg in order.old_legs.values()],
        }
        for order in manager.orders.values()
    ]
    blotter = desk.blotter
    return (
        orders,
        list(blotter.open),
        list(blotter.closing),
        {oid: order.cloid for oid, order in blotter.by_oid.items()},
        (blotter.position, blotter.strays, blotter.foreign, list(blotter.to_query)),
        told(desk.ledger),
        told(desk.budget),
        told(desk.refusals),
        (desk.requests, desk.modified_at, desk.connected, desk.synced, desk.blind_since),
        (desk.asked_open_at, desk.snapshot_at, desk.due_at, desk.quiet),
    )


@pytest.mark.parametrize("amends", [False, True])
@given(told=steps())
def test_a_trace_fed_again_gives_the_same_outputs_and_the_same_state(
    amends: bool, told: list[Step]
) -> None:
    driver = Driver(amends=amends)
    for step in told:
        driver.take(step)

    again = replay(new_manager(amends=amends), driver.trace)

    assert digest(again) == digest(driver.traced.manager)
    assert again.exposure == driver.traced.manager.exposure


@given(told=steps())
def test_two_managers_told_the_same_do_the_same(told: list[Step]) -> None:
    one, other = Driver(amends=False), Driver(amends=False)

    for step in told:
        one.take(step)
        other.take(step)

    assert one.trace == other.trace


def booked(trace: list[Record]) -> int:
    """Return the signed sum of all fills of orders that we placed, each counted once."""
    sides: dict[str, Side] = {}
    fills: dict[tuple[str, str], int] = {}
    for record in trace:
        if isinstance(record, Cycled):
            placed = [c for c in record.plan.commands if isinstance(c, Place)]
            sides |= {place.cloid: place.side for place in placed}
        elif isinstance(record, Reported) and isinstance(record.report, Fill):
            fill = record.report
            assert fill.cloid is not None
            # The first report of a fill counts; a repetition says nothing, not even another size.
            fills.setdefault((fill.oid, fill.trade_id), fill.qty * sides[fill.cloid])
    return sum(fills.values())


@pytest.mark.parametrize("amends", [False, True])
@given(told=steps())
def test_the_position_is_the_sum_of_all_fills(amends: bool, told: list[Step]) -> None:
    driver = Driver(amends=amends)

    for step in told:
        driver.take(step)
        assert driver.traced.manager.position == booked(driver.trace)


@pytest.mark.parametrize("amends", [False, True])
@given(told=steps())
def test_a_side_has_never_more_possibly_live_orders_than_it_ever_had_targets(
    amends: bool, told: list[Step]
) -> None:
    driver = Driver(amends=amends)
    most = {Side.BUY: 0, Side.SELL: 0}

    for step in told:
        most[Side.BUY] = max(most[Side.BUY], len(step.bids))
        most[Side.SELL] = max(most[Side.SELL], len(step.asks))
        driver.take(step)

        live = [order.side for order in driver.traced.manager.open_orders.values()]
        assert all(live.count(side) <= most[side] for side in Side)


@pytest.mark.parametrize("amends", [False, True])
@given(told=steps())
def test_what_is_derived_stays_possible(amends: bool, told: list[Step]) -> None:
    driver = Driver(amends=amends)
    manager = driver.traced.manager

    for step in told:
        driver.take(step)

        assert all(order.leaves >= 0 for order in manager.orders.values())
        assert all(order.open_risk(amends) >= 0 for order in manager.orders.values())
        assert [o.cloid for o in manager.orders.values() if not o.is_closed] == list(
            manager.open_orders
        )
        long, short = manager.exposure
        assert long >= max(0, manager.position)
        assert short >= max(0, -manager.position)


@given(told=steps())
def test_a_request_is_sent_only_for_an_idle_order_that_we_can_see(told: list[Step]) -> None:
    driver = Driver(amends=False)
    manager = driver.traced.manager

    for step in told:
        idle = {o.cloid for o in manager.open_orders.values() if o.request == 0}
        blind = manager.is_blind
        known = len(driver.trace)
        driver.take(step)

        for record in driver.trace[known:]:
            if not isinstance(record, Cycled):
                queries = record.reaction.queries
                assert all(isinstance(query, (QueryOpen, QueryOrder)) for query in queries)
                continue
            for command in record.plan.commands:
                if isinstance(command, (QueryOpen, QueryOrder)):
                    continue
                assert blind is False
                assert isinstance(command, Place) or command.cloid in idle
