"""The trace: every input is recorded with its output, and replaying it finds what differs."""

import msgspec
import pytest

from exchange.commands import Place
from exchange.market import Market
from exchange.reports import Accepted
from exchange.units import SECOND
from exchange.words import Outcome
from lifecycle.config import BandsConfig, Config
from lifecycle.core.manager import OrderManager
from lifecycle.core.traced import TracedManager
from lifecycle.trace import replay
from spec.trace import Cycled, Record, Reported, Restarted, Ticked, Unanswered
from tests.story import INSTRUMENT, PLAIN, targets


def a_trace() -> tuple[list[Record], OrderManager]:
    """Return the records of a short life with every kind of input, and the manager that led it."""
    records: list[Record] = []
    traced = TracedManager(OrderManager(INSTRUMENT, config=PLAIN), records.append)
    traced.tick(0)
    wanted = targets([(20_000, 10)])
    plan = traced.cycle(1, wanted, Market(1, 19_999, 20_100))
    place = plan.commands[0]
    assert isinstance(place, Place)
    traced.unanswered(place, Outcome.BROKEN, 2)
    traced.receive(Accepted(3, "000000001", "101"), 3)
    traced.restarted(4)
    traced.tick(70 * SECOND)
    return records, traced.manager


def test_every_input_is_a_record_with_what_came_of_it() -> None:
    records, _ = a_trace()

    kinds = [Ticked, Cycled, Unanswered, Reported, Restarted, Ticked]
    assert [type(record) for record in records] == kinds


def test_a_tick_that_is_not_due_is_no_record() -> None:
    records: list[Record] = []
    traced = TracedManager(OrderManager(INSTRUMENT), records.append)
    traced.cycle(0, targets([(20_000, 10)]), Market(0, None, None))

    traced.tick(1)

    assert [type(record) for record in records] == [Cycled]


def test_replaying_brings_a_new_manager_into_the_same_state() -> None:
    records, manager = a_trace()

    again = replay(OrderManager(INSTRUMENT, config=PLAIN), records)

    assert [repr(order) for order in again.orders.values()] == [
        repr(order) for order in manager.orders.values()
    ]
    assert again.is_blind is manager.is_blind is True
    assert again.next_timer == manager.next_timer


def test_a_trace_survives_being_written_and_read() -> None:
    records, _ = a_trace()

    text = msgspec.json.encode(records)
    read = msgspec.json.decode(text, type=list[Record])

    assert read == records


def test_a_trace_of_another_configuration_is_refused_where_it_differs() -> None:
    records: list[Record] = []
    traced = TracedManager(OrderManager(INSTRUMENT, config=PLAIN), records.append)
    book = Market(0, None, None)
    traced.cycle(0, targets([(20_000, 10)]), book)
    traced.receive(Accepted(0, "000000001", "101"), 0)
    traced.cycle(1, targets([(20_010, 10)]), book)
    wide = Config(bands=BandsConfig(latch_bps=50.0))

    with pytest.raises(ValueError, match=r"^record 0 must be reproduced by replaying it, was "):
        replay(OrderManager(INSTRUMENT, config=wide), records)


def test_a_trace_of_another_session_is_refused_at_once() -> None:
    records, _ = a_trace()

    with pytest.raises(ValueError, match=r"^record 1 must be reproduced"):
        replay(OrderManager(INSTRUMENT, config=PLAIN, session="other"), records)
