"""One order by itself: its machines through the tables, its legs, and what is derived."""

import pytest

from exchange.words import Side
from lifecycle.core.order import Leg, Order
from lifecycle.core.tables import DIVERGENCE, EXPECTED, HOLD, PHASE, REQUEST
from spec.states import (
    CLOSED_PHASES,
    IN_DOUBT_REQUESTS,
    Hold,
    HoldEvent,
    Phase,
    PhaseEvent,
    Request,
    RequestEvent,
    State,
)


def an_order(
    phase: Phase = Phase.RESTING, request: Request = Request.IDLE, hold: Hold = Hold.FREE
) -> Order:
    """Return a bid for 10 lots at 20000 in a state of our choice."""
    order = Order("c1", Side.BUY, 20_000, 10, 0)
    order.phase, order.request, order.hold = phase, request, hold
    return order


@pytest.mark.parametrize("event", list(PhaseEvent))
@pytest.mark.parametrize("phase", list(Phase))
def test_the_phase_moves_as_its_table_says(phase: Phase, event: PhaseEvent) -> None:
    cell = PHASE[phase][event]
    order = an_order(phase)

    agreed = order.advance(event, 7)

    assert agreed is (cell != DIVERGENCE)
    assert order.phase == (phase if cell in {DIVERGENCE, EXPECTED} else cell)


@pytest.mark.parametrize("event", list(RequestEvent))
@pytest.mark.parametrize("request_state", list(Request))
def test_the_request_moves_as_its_table_says(request_state: Request, event: RequestEvent) -> None:
    cell = REQUEST[request_state][event]
    order = an_order(request=request_state)

    agreed = order.ask(event)

    assert agreed is (cell != DIVERGENCE)
    assert order.request == (request_state if cell in {DIVERGENCE, EXPECTED} else cell)


@pytest.mark.parametrize("event", list(HoldEvent))
@pytest.mark.parametrize("hold", list(Hold))
def test_the_hold_moves_as_its_table_says(hold: Hold, event: HoldEvent) -> None:
    cell = HOLD[hold][event]
    order = an_order(hold=hold)

    order.hold_by(event)

    assert order.hold == (hold if cell == EXPECTED else cell)


@pytest.mark.parametrize("hold", list(Hold))
@pytest.mark.parametrize("request_state", list(Request))
def test_closing_ends_the_request_and_the_hold(request_state: Request, hold: Hold) -> None:
    order = an_order(request=request_state, hold=hold)
    order.answered = True

    order.advance(PhaseEvent.CANCELLED, 7)

    assert (order.request, order.hold, order.answered) == (Request.IDLE, Hold.FREE, False)
    assert order.closed_at == 7


def test_a_late_fill_leaves_the_closing_time_alone() -> None:
    order = an_order()
    order.advance(PhaseEvent.CANCELLED, 7)

    order.advance(PhaseEvent.FILLED_WHOLE, 9)

    assert (order.phase, order.closed_at) == (Phase.CANCELLED, 7)


def test_retiring_leaves_the_closing_time_alone() -> None:
    order = an_order()
    order.advance(PhaseEvent.CANCELLED, 7)

    order.advance(PhaseEvent.RETIRE, 99)

    assert (order.state, order.closed_at) == (State.RETIRED, 7)


@pytest.mark.parametrize("request_state", list(Request))
def test_a_request_is_idle_in_flight_or_in_doubt(request_state: Request) -> None:
    order = an_order(request=request_state)

    assert order.is_in_doubt is (request_state in IN_DOUBT_REQUESTS)
    assert order.is_in_flight is not (order.is_in_doubt or request_state is Request.IDLE)
    assert order.is_modifying is (request_state in {Request.MODIFYING, Request.MODIFYING_IN_DOUBT})


@pytest.mark.parametrize("phase", list(Phase))
def test_nothing_remains_of_a_closed_order(phase: Phase) -> None:
    order = an_order(phase)

    assert order.is_closed is (phase in CLOSED_PHASES)
    assert order.leaves == (0 if order.is_closed else 10)


@pytest.mark.parametrize(
    ("filled", "reported", "leaves", "open_risk", "unbooked"),
    [(0, 0, 10, 10, 0), (4, 0, 6, 6, 0), (4, 6, 4, 6, 2), (0, 10, 0, 10, 10), (12, 0, 0, 0, 0)],
)
def test_what_remains_of_a_leg_is_derived(
    filled: int, reported: int, leaves: int, open_risk: int, unbooked: int
) -> None:
    leg = Leg("101", 20_000, 10)
    leg.filled, leg.reported = filled, reported

    assert (leg.leaves, leg.open_risk, leg.unbooked) == (leaves, open_risk, unbooked)


@pytest.mark.parametrize(
    ("request_state", "amends", "goal", "risk"),
    [
        (Request.IDLE, False, 12, 10),
        (Request.MODIFYING, False, 12, 22),
        (Request.MODIFYING_IN_DOUBT, False, 12, 22),
        (Request.MODIFYING, True, 12, 12),
        (Request.MODIFYING_IN_DOUBT, True, 8, 10),
        (Request.CANCELLING_IN_DOUBT, False, 12, 10),
    ],
)
def test_both_legs_of_an_unanswered_modify_may_fill(
    request_state: Request, amends: bool, goal: int, risk: int
) -> None:
    order = an_order(request=request_state)
    order.goal_qty = goal

    assert order.open_risk(amends) == risk


def test_what_the_venue_has_said_to_have_filled_may_still_be_booked_on_any_leg() -> None:
    order = an_order()
    order.leg.reported = 3
    order.next_leg("102", 20_050, 10)
    order.leg.reported = 5
    order.known = 3 + 5

    assert order.open_risk(amends=False) == 3 + 10
    order.advance(PhaseEvent.CANCELLED, 7)
    assert order.open_risk(amends=False) == 3 + 5


def test_what_was_said_to_have_filled_is_booked_but_once_whichever_leg_it_was_on() -> None:
    order = an_order()
    order.leg.reported = 3
    order.next_leg("102", 20_050, 10)
    order.known = 3
    order.filled = order.leg.filled = 3

    assert order.open_risk(amends=False) == 7


def test_a_leg_is_found_by_its_oid_the_current_one_without() -> None:
    order = an_order()
    order.leg.oid = "101"
    old = order.leg
    new = order.next_leg("102", 20_050, 10)

    assert order.leg_of("101") is old
    assert order.leg_of("102") is new
    assert order.leg_of(None) is new
    assert order.leg_of("103") is None
    assert order.oid == "102"
    assert order.price == 20_050


@pytest.mark.parametrize(("side", "word"), [(Side.BUY, "buy"), (Side.SELL, "sell")])
def test_an_order_shows_itself_to_people(side: Side, word: str) -> None:
    order = Order("c1", side, 20_000, 10, 0)

    assert repr(order) == f"<Order c1 {word} 10/10@20000 pending-new oid=None>"
