"""The published rules, one small book each: what they keep, and what they cancel, amend, place."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from exchange.commands import Cancel, Command, Modify, Place
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Accepted, Cancelled, Fill, Modified
from exchange.units import SECOND
from exchange.words import CancelReason, Side
from spec.trace import Action, Plan, Reason, Target, Targets
from tools.bench.peers.all_or_nothing import AllOrNothing, AllOrNothingAtOnce
from tools.bench.peers.base import PeerManager
from tools.bench.peers.by_distance import ByDistance
from tools.bench.peers.positional import Positional
from tools.bench.peers.tolerance import Tolerance

INSTRUMENT = Instrument("ETH", price_unit=Decimal("0.1"), lot=Decimal("0.0001"))
MID = 100_000
"""A basis point is ten price units."""
QTY = 1_000
MARKET = Market(0, MID - 1, MID + 1)
PEERS = (AllOrNothing, AllOrNothingAtOnce, Positional, ByDistance, Tolerance)


def wanted(*away: int, shift: int = 0) -> Targets:
    """Return targets at these distances from the mid on both sides, moved by a shift."""
    return Targets(
        tuple(Target(MID + shift - distance, QTY) for distance in away),
        tuple(Target(MID + shift + distance, QTY) for distance in away),
    )


class Book:
    """A peer's manager, and a venue that does at once what it says."""

    def __init__(self, peer: Callable[..., PeerManager], width: float) -> None:
        self.manager = peer(INSTRUMENT, width=width)
        self.now = 0
        self.oids = 0

    def cycle(self, targets: Targets, *, answered: bool = True) -> Plan:
        """Run one cycle, and answer what it sends unless told otherwise."""
        self.now += 6 * SECOND
        plan = self.manager.cycle(self.now, targets, MARKET)
        if answered:
            self.answer(plan)
        return plan

    def answer(self, plan: Plan) -> None:
        """Answer everything that a plan sent."""
        for command in plan.commands:
            self.oids += 1
            oid = str(self.oids)
            match command:
                case Place():
                    self.manager.receive(
                        Accepted(self.now, command.cloid, oid, command.request), self.now
                    )
                case Modify():
                    self.manager.receive(
                        Modified(
                            self.now,
                            command.cloid,
                            oid,
                            command.qty,
                            command.price,
                            command.request,
                        ),
                        self.now,
                    )
                case Cancel():
                    self.manager.receive(
                        Cancelled(self.now, command.cloid, command.oid, CancelReason.USER), self.now
                    )
                case _:
                    pass

    def fill(self, side: Side, price: int, qty: int) -> None:
        """Fill some of the order at a price."""
        for order in self.manager.open_orders.values():
            if order.side is side and order.price == price:
                assert order.oid is not None, "what rests has an oid"
                self.oids += 1
                fill = Fill(self.now, order.cloid, order.oid, qty, price, f"t{self.oids}")
                self.manager.receive(fill, self.now)
                return
        raise AssertionError(f"an order must rest at {price}")

    def prices(self, side: Side) -> list[int]:
        """Return where orders rest, best first."""
        orders = [o.price for o in self.manager.open_orders.values() if o.side is side]
        return sorted(orders, reverse=side is Side.BUY)


def sent(plan: Plan, kind: type[Command]) -> int:
    return sum(isinstance(command, kind) for command in plan.commands)


@pytest.mark.parametrize("peer", PEERS)
def test_every_rule_places_what_is_wanted_and_then_keeps_it(peer: type[PeerManager]) -> None:
    book = Book(peer, 0.0)

    first = book.cycle(wanted(80, 120))
    second = book.cycle(wanted(80, 120))

    assert sent(first, Place) == 4
    assert second.commands == ()
    assert {decision.reason for decision in second.decisions} == {Reason.SAME_POINT}


@pytest.mark.parametrize("peer", PEERS)
def test_every_decision_names_its_level_and_target(peer: type[PeerManager]) -> None:
    book = Book(peer, 5.0)
    book.cycle(wanted(80, 120))

    plan = book.cycle(wanted(80, 120, shift=10))

    levels = {(decision.side, decision.level, decision.target) for decision in plan.decisions}
    assert levels == {
        (Side.BUY, 0, MID - 70),
        (Side.BUY, 1, MID - 110),
        (Side.SELL, 0, MID + 90),
        (Side.SELL, 1, MID + 130),
    }
    assert all(decision.action is Action.KEEP for decision in plan.decisions)


@pytest.mark.parametrize("peer", PEERS)
def test_no_rule_touches_an_order_whose_request_is_unanswered(peer: type[PeerManager]) -> None:
    book = Book(peer, 0.0)
    book.cycle(wanted(80), answered=False)

    plan = book.cycle(wanted(80, shift=30), answered=False)

    acted = {command.cloid for command in plan.commands if isinstance(command, Modify | Cancel)}
    assert acted == set()


def test_one_price_outside_the_tolerance_cancels_the_whole_book() -> None:
    book = Book(AllOrNothing, 2.0)
    book.cycle(wanted(80, 120))
    asks = tuple(Target(MID + away, QTY) for away in (80, 120 + 25))

    plan = book.cycle(Targets(wanted(80, 120).bids, asks))

    assert (sent(plan, Cancel), sent(plan, Place)) == (4, 0)


def test_all_or_nothing_places_again_a_cycle_after_its_cancels() -> None:
    book = Book(AllOrNothing, 2.0)
    book.cycle(wanted(80))
    book.cycle(wanted(80, shift=30))

    plan = book.cycle(wanted(80, shift=30))

    assert (sent(plan, Cancel), sent(plan, Place)) == (0, 2)


def test_all_or_nothing_waits_while_a_cancel_is_unanswered() -> None:
    book = Book(AllOrNothing, 2.0)
    book.cycle(wanted(80))
    book.cycle(wanted(80, shift=30), answered=False)

    plan = book.manager.cycle(book.now + SECOND, wanted(80, shift=30), MARKET)

    assert plan.commands == ()
    assert Reason.PREDECESSOR in {decision.reason for decision in plan.decisions}


def test_a_fill_makes_all_or_nothing_cancel_what_is_left() -> None:
    book = Book(AllOrNothingAtOnce, 2.0)
    book.cycle(wanted(80, 120))
    book.fill(Side.BUY, MID - 80, QTY)

    plan = book.cycle(wanted(80, 120))

    assert (sent(plan, Cancel), sent(plan, Place)) == (3, 4)


def test_all_or_nothing_does_not_look_at_sizes() -> None:
    book = Book(AllOrNothing, 2.0)
    book.cycle(wanted(80))
    book.fill(Side.BUY, MID - 80, QTY // 2)

    assert book.cycle(wanted(80)).commands == ()


def test_positional_amends_every_order_of_a_ladder_that_has_shifted_by_a_rung() -> None:
    book = Book(Positional, 2.0)
    book.cycle(wanted(80, 120, 160))

    plan = book.cycle(wanted(80, 120, 160, shift=40))

    assert (sent(plan, Modify), len(plan.commands)) == (6, 6)
    assert book.prices(Side.BUY) == [MID - 40, MID - 80, MID - 120]


def test_positional_amends_for_any_difference_in_size() -> None:
    book = Book(Positional, 2.0)
    book.cycle(wanted(80))
    book.fill(Side.SELL, MID + 80, 1)

    plan = book.cycle(wanted(80))

    assert [(c.side, c.qty) for c in plan.commands if isinstance(c, Modify)] == [(Side.SELL, QTY)]


def test_positional_spares_the_outer_orders_when_the_innermost_fills() -> None:
    book = Book(Positional, 2.0)
    book.cycle(wanted(80, 120, 160))
    book.fill(Side.BUY, MID - 80, QTY)

    plan = book.cycle(wanted(80, 120, 160))

    assert [c.price for c in plan.commands if isinstance(c, Place)] == [MID - 80]
    assert len(plan.commands) == 1


def test_positional_cancels_what_is_beyond_the_list() -> None:
    book = Book(Positional, 2.0)
    book.cycle(wanted(80, 120))

    plan = book.cycle(wanted(120))

    assert (sent(plan, Cancel), len(plan.commands)) == (2, 2)
    assert book.prices(Side.BUY) == [MID - 120]


def test_the_allowed_deviation_grows_with_the_distance() -> None:
    book = Book(ByDistance, 0.25)
    book.cycle(wanted(80, 160))

    plan = book.cycle(wanted(80, 160, shift=30))

    assert (sent(plan, Cancel), sent(plan, Place)) == (2, 2)
    assert book.prices(Side.BUY) == [MID - 50, MID - 160]


def test_tolerance_matching_moves_one_order_for_a_shift_by_a_rung() -> None:
    book = Book(Tolerance, 2.0)
    book.cycle(wanted(80, 120, 160))

    plan = book.cycle(wanted(80, 120, 160, shift=40))

    assert (sent(plan, Cancel), sent(plan, Place), sent(plan, Modify)) == (2, 2, 0)
    assert book.prices(Side.BUY) == [MID - 40, MID - 80, MID - 120]


def test_tolerance_matching_replaces_for_a_size_outside_the_tolerance() -> None:
    book = Book(Tolerance, 2.0)
    book.cycle(wanted(80))
    book.fill(Side.BUY, MID - 80, QTY // 2)

    plan = book.cycle(wanted(80))

    assert (sent(plan, Cancel), sent(plan, Place)) == (1, 1)


def test_tolerance_matching_gives_up_a_nearer_pair_for_one_pair_more() -> None:
    book = Book(Tolerance, 4.0)
    book.cycle(wanted(80, 120))
    asks = wanted(80, 120).asks

    # The order at 120 away is nearest to 110 and may stand for 150; that at 80 only for 110.
    plan = book.cycle(Targets((Target(MID - 110, QTY), Target(MID - 150, QTY)), asks))

    assert plan.commands == ()
