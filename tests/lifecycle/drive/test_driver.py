"""The driver: records before it sends, asks before it acts, and leaves when it cannot write."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from exchange.commands import Cancel, Command, Place, QueryOpen
from exchange.instrument import Instrument
from exchange.market import Market
from exchange.reports import Accepted, Cancelled, Fill, Report, Snapshot
from exchange.units import SECOND, Nanos
from exchange.venue import Capabilities, NoAnswer, Received
from exchange.words import CancelReason, Outcome
from lifecycle.core.manager import OrderManager
from lifecycle.drive.driver import Driver
from lifecycle.drive.switch import KillSwitch
from lifecycle.journal.base import JournalError
from spec.states import State
from spec.trace import Cycled, Halted, Record, Restarted, Target, Targets

INSTRUMENT = Instrument("DRIVE", price_unit=Decimal("0.1"), lot=Decimal("0.01"))
BID = Targets((Target(20_000, 10),))


class Line:
    """A venue that notes what it is sent, and says what it is told to say."""

    def __init__(self) -> None:
        self.instrument = INSTRUMENT
        self.capabilities = Capabilities()
        self.sent: list[Command] = []
        self.said: list[Received] = []

    def say(self, at: Nanos, report: Report | NoAnswer) -> None:
        """Have something said later."""
        self.said.append(Received(at, report))

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Note the commands."""
        del now
        self.sent += commands

    def poll(self, now: Nanos) -> list[Received]:
        """Return what is due."""
        due = [received for received in self.said if received.at <= now]
        self.said = [received for received in self.said if received.at > now]
        return due


def book(now: Nanos) -> Market:
    return Market(now, 19_990, 20_010)


def test_a_record_is_written_before_its_commands_are_sent() -> None:
    line, order = Line(), []
    driver = Driver(
        OrderManager(INSTRUMENT), line, [lambda record: order.append((record, len(line.sent)))]
    )

    driver.cycle(0, BID, book(0))

    assert [(type(record), before) for record, before in order] == [(Cycled, 0)]
    assert len(line.sent) == 1


def test_observers_see_a_record_when_its_commands_are_gone() -> None:
    line, seen = Line(), []
    driver = Driver(
        OrderManager(INSTRUMENT), line, observers=[lambda _: seen.append(len(line.sent))]
    )

    driver.cycle(0, BID, book(0))

    assert seen == [1]


def test_a_start_asks_and_sends_nothing_else_until_a_snapshot_has_come() -> None:
    line = Line()
    driver = Driver(OrderManager(INSTRUMENT), line)

    driver.start(0, "0123456789")
    driver.cycle(1, BID, book(1))
    (asked,) = line.sent
    assert isinstance(asked, QueryOpen)
    line.say(2, Snapshot(2, (), (), asked.request))
    driver.deliver(2)
    driver.cycle(3, BID, book(3))

    assert isinstance(line.sent[-1], Place)
    assert line.sent[-1].cloid.startswith("0123456789")
    assert driver.is_agreed


def test_a_journal_that_cannot_be_written_keeps_everything_from_being_sent() -> None:
    line = Line()
    driver = Driver(OrderManager(INSTRUMENT), line, [full])

    with pytest.raises(JournalError, match="disk"):
        driver.cycle(0, BID, book(0))

    assert line.sent == []


def test_a_decision_that_cannot_be_written_is_not_sent() -> None:
    line, writes = Line(), Writes(2)
    driver = Driver(OrderManager(INSTRUMENT), line, [writes.append])
    driver.cycle(0, BID, book(0))
    (place,) = line.sent
    assert isinstance(place, Place)
    line.say(1, Accepted(1, place.cloid, "101", place.request))
    driver.deliver(1)

    with pytest.raises(JournalError, match="disk"):
        driver.cycle(2, Targets((Target(19_000, 10),)), book(2))

    # The modify that was decided has not been sent; to the manager its order is in flight.
    assert line.sent == [place]


def test_what_rests_idle_is_cancelled_when_a_report_cannot_be_written() -> None:
    line, writes = Line(), Writes(2)
    driver = Driver(OrderManager(INSTRUMENT), line, [writes.append])
    driver.cycle(0, BID, book(0))
    place = line.sent[0]
    assert isinstance(place, Place)
    line.say(1, Accepted(1, place.cloid, "101", place.request))
    driver.deliver(1)
    line.say(2, Fill(2, place.cloid, "101", 1, 20_000, "t1"))

    with pytest.raises(JournalError, match="disk"):
        driver.deliver(2)

    assert isinstance(line.sent[-1], Cancel)
    assert line.sent[-1].oid == "101"


def test_a_transport_that_fails_leaves_the_order_in_doubt() -> None:
    line = Line()
    driver = Driver(OrderManager(INSTRUMENT), line)
    driver.cycle(0, BID, book(0))
    place = line.sent[0]
    assert isinstance(place, Place)
    line.say(1, NoAnswer(place, Outcome.SERVER_ERROR))

    driver.deliver(1)

    assert driver.manager.orders[place.cloid].state is State.IN_DOUBT
    assert driver.is_awaiting
    assert not driver.is_agreed


def test_a_level_that_has_filled_is_to_be_refilled_after_a_pause_and_a_cancelled_one_not() -> None:
    line = Line()
    driver = Driver(OrderManager(INSTRUMENT), line, refill=SECOND)
    driver.cycle(0, BID, book(0))
    place = line.sent[0]
    assert isinstance(place, Place)
    line.say(1, Accepted(1, place.cloid, "101", place.request))
    line.say(2, Fill(2, place.cloid, "101", 10, 20_000, "t1"))

    driver.deliver(2)

    assert [driver.is_to_refill(now) for now in (2, SECOND - 1, SECOND)] == [False, False, True]
    driver.skip(SECOND)
    assert not driver.is_to_refill(5 * SECOND)


def test_a_halt_withdraws_and_is_over_when_a_look_has_found_nothing() -> None:
    line, records = Line(), list[Record]()
    driver = Driver(OrderManager(INSTRUMENT), line, [records.append])
    driver.cycle(0, BID, book(0))
    place = line.sent[0]
    assert isinstance(place, Place)
    line.say(1, Accepted(1, place.cloid, "101", place.request))
    driver.deliver(1)

    driver.halt(2, "enough")
    driver.cycle(3, BID, book(3))
    cancel = line.sent[-1]
    assert isinstance(cancel, Cancel)
    line.say(4, Cancelled(4, place.cloid, "101", CancelReason.USER, cancel.request))
    driver.deliver(70 * SECOND)
    asked = line.sent[-1]
    assert isinstance(asked, QueryOpen)
    early = driver.manager.nothing_rests
    line.say(71 * SECOND, Snapshot(71 * SECOND, (), (), asked.request))
    driver.deliver(71 * SECOND)

    assert (early, driver.manager.nothing_rests) == (False, True)
    assert [record.why for record in records if isinstance(record, Halted)] == ["enough"]


def test_the_switch_is_thrown_by_a_file_and_stays_thrown(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path / "KILL")
    before = switch.why

    (tmp_path / "KILL").touch()
    why = switch.why
    (tmp_path / "KILL").unlink()

    assert before is None
    assert why == f"the file {tmp_path / 'KILL'} is there"
    assert switch.why == why


def test_a_switch_whose_file_cannot_be_looked_for_is_thrown(tmp_path: Path) -> None:
    switch = KillSwitch(tmp_path / ("K" * 1_000))

    assert switch.why is not None
    assert "cannot be looked for: File name too long" in switch.why


def test_a_start_is_on_record_with_its_prefix() -> None:
    records = list[Record]()
    driver = Driver(OrderManager(INSTRUMENT), Line(), [records.append])

    driver.start(5, "abcdefabcd")

    assert [type(record) for record in records] == [Restarted]
    assert isinstance(records[0], Restarted)
    assert records[0].session == "abcdefabcd"


def full(_: Record) -> None:
    raise JournalError("the disk is full")


class Writes:
    """A journal with room for so many records."""

    def __init__(self, room: int) -> None:
        self.room = room

    def append(self, record: Record) -> None:
        """Take a record, if there is room."""
        if self.room == 0:
            full(record)
        self.room -= 1
