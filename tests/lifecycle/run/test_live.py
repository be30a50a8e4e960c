"""A run by a clock that is not the run's: how it starts, goes on and ends."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from exchange.commands import Command
from exchange.instrument import Instrument
from exchange.market import Market, Row
from exchange.paper.generator import GENERATED, GeneratorConfig, generate
from exchange.paper.venue import PaperVenue
from exchange.units import SECOND, Nanos, seconds
from exchange.venue import Capabilities, Received
from lifecycle.config import RiskConfig
from lifecycle.core.manager import CANCEL_REPLACE, OrderManager
from lifecycle.drive.recovery import resume
from lifecycle.drive.switch import KillSwitch
from lifecycle.journal.base import Header, JournalError
from lifecycle.journal.memory import MemoryJournal
from lifecycle.journal.reading import read_journal
from lifecycle.journal.sqlite import SqliteJournal
from lifecycle.run import live
from lifecycle.run.config import QuoterConfig, RunConfig
from lifecycle.run.live import LiveRun
from spec.trace import Record

CONFIG = RunConfig(quoter=QuoterConfig(warmup_s=5.0), risk=RiskConfig(exposure_cap=Decimal(2)))
PREFIX = "abcdef0123"


class Hall:
    """The paper venue as a live one: waiting is what moves its clock."""

    def __init__(self, paper: PaperVenue | None = None, *, deaf_from: Nanos | None = None) -> None:
        self.paper = paper or PaperVenue(GENERATED, generate(GeneratorConfig(), 3))
        self.instrument: Instrument = self.paper.instrument
        self.capabilities: Capabilities = self.paper.capabilities
        self.now: Nanos = 0
        self.deaf_from = deaf_from
        self.sent: list[Command] = []

    def clock(self) -> Nanos:
        """Return how late it is."""
        return self.now

    def submit(self, commands: Sequence[Command], now: Nanos) -> None:
        """Pass commands on, unless nothing gets through any more."""
        self.sent += commands
        if self.deaf_from is None or now < self.deaf_from:
            self.paper.submit(commands, now)

    def poll(self, now: Nanos) -> list[Received]:
        """Return what was said."""
        return self.paper.poll(now)

    async def wait(self, timeout_s: float) -> bool:
        """Let time pass at once."""
        await asyncio.sleep(0)
        self.now += max(1, seconds(timeout_s))
        return False

    def market(self, now: Nanos) -> Market:
        """Return the book as it is seen."""
        return self.paper.market(now)

    def seen(self, now: Nanos) -> list[Row]:
        """Return what was seen since."""
        return self.paper.seen(now)


def run_of(
    hall: Hall,
    *,
    sinks: Sequence[Callable[[Record], None]] = (),
    switch: KillSwitch | None = None,
    minutes: float | None = None,
    clock: Callable[[], Nanos] | None = None,
) -> LiveRun:
    manager = OrderManager(hall.instrument, config=CONFIG, session=PREFIX)
    return LiveRun(
        CONFIG,
        "stable",
        "hall",
        hall,
        manager,
        sinks=sinks,
        switch=switch,
        minutes=minutes,
        clock=clock or hall.clock,
        prefix=PREFIX,
    )


def at(run: LiveRun, moment: Nanos, what: Callable[[], None]) -> Callable[[], None]:
    """Do something once, when the run has come so far."""
    done = False

    def each() -> None:
        nonlocal done
        if not done and run.now >= moment:
            done = True
            what()

    return each


def test_a_run_that_is_over_has_proven_that_nothing_rests() -> None:
    hall = Hall()
    run = run_of(hall, minutes=1.0)

    proven = asyncio.run(run.run())

    assert proven
    assert run.summary().placed > 0
    assert hall.paper.open_orders() == ()
    assert run.summary().violations == 0


def test_before_the_first_snapshot_only_questions_are_sent() -> None:
    hall = Hall()
    run = run_of(hall)
    first: list[str] = []

    def each() -> None:
        if run.manager.is_blind:
            first.extend(type(command).__name__ for command in hall.sent)
        elif run.now > SECOND:
            run.give_up()

    asyncio.run(run.run(each))

    assert set(first) == {"QueryOpen"}


def test_a_stopped_run_withdraws_what_rests() -> None:
    hall = Hall()
    run = run_of(hall)

    proven = asyncio.run(run.run(at(run, 30 * SECOND, lambda: run.stop("enough"))))

    assert proven
    assert hall.paper.open_orders() == ()
    assert run.summary().cancelled > 0


def test_a_kill_file_ends_it_too(tmp_path: Path) -> None:
    hall, file = Hall(), tmp_path / "stop"
    run = run_of(hall, switch=KillSwitch(file))

    proven = asyncio.run(run.run(at(run, 30 * SECOND, file.touch)))

    assert proven
    assert hall.paper.open_orders() == ()


def test_whoever_gives_up_is_told_that_nothing_is_proven() -> None:
    hall = Hall()
    run = run_of(hall)

    proven = asyncio.run(run.run(at(run, 30 * SECOND, run.give_up)))

    assert not proven
    assert hall.paper.open_orders() != ()


def test_a_venue_that_no_longer_hears_us_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "GIVE_UP", 20 * SECOND)
    hall = Hall(deaf_from=30 * SECOND)
    run = run_of(hall)

    proven = asyncio.run(run.run(at(run, 31 * SECOND, lambda: run.stop("deaf"))))

    assert not proven


def test_a_clock_that_steps_back_stands_still() -> None:
    hall = Hall()
    back = 0

    def clock() -> Nanos:
        return max(0, hall.now - back)

    run = run_of(hall, minutes=1.0, clock=clock)
    times: list[Nanos] = []

    def each() -> None:
        nonlocal back
        times.append(run.now)
        back = 5 * SECOND if run.now > 20 * SECOND else back

    asyncio.run(run.run(each))

    assert times == sorted(times)
    assert run.summary().violations == 0


def test_a_run_has_no_end_of_its_own_until_it_is_stopped() -> None:
    run = run_of(Hall())

    assert run.end == 0
    assert run.frame().end == 0


def test_what_the_journal_holds_replays_to_the_same_state(tmp_path: Path) -> None:
    path, hall = tmp_path / "live.journal", Hall()
    header = Header.of_now(PREFIX, hall.instrument, CANCEL_REPLACE, CONFIG)
    journal = SqliteJournal.create(path, header)
    run = run_of(hall, sinks=(journal.append,))
    asyncio.run(run.run(at(run, 40 * SECOND, run.give_up)))
    journal.close()

    manager, again, recovery = resume(path)
    again.close()

    assert dict(manager.orders).keys() == dict(run.manager.orders).keys()
    assert recovery.resting == frozenset(manager.open_orders)
    assert manager.position == run.manager.position


def test_a_resumed_run_finds_what_rests_and_breaks_no_promise(tmp_path: Path) -> None:
    path, hall = tmp_path / "live.journal", Hall()
    header = Header.of_now(PREFIX, hall.instrument, CANCEL_REPLACE, CONFIG)
    journal = SqliteJournal.create(path, header)
    first = run_of(hall, sinks=(journal.append,))
    asyncio.run(first.run(at(first, 40 * SECOND, first.give_up)))
    journal.close()
    left = {order.cloid for order in hall.paper.open_orders()}

    manager, again, recovery = resume(path)
    earlier: Iterable[Record] = read_journal(path).records()
    second = LiveRun(
        CONFIG,
        "stable",
        "hall",
        hall,
        manager,
        sinks=(again.append,),
        recovery=recovery,
        earlier=earlier,
        minutes=0.5,
        clock=hall.clock,
        prefix=PREFIX,
    )
    proven = asyncio.run(second.run())
    again.close()

    assert left
    assert proven
    assert recovery.agreed_at is not None
    assert second.summary().violations == 0
    assert any("agreed with the venue" in line for line in second.frame().recovery)


def test_without_a_journal_to_write_what_rests_is_cancelled_before_the_error_is_told() -> None:
    hall = Hall()
    records = MemoryJournal(Header.of_now(PREFIX, hall.instrument, CANCEL_REPLACE, CONFIG))

    def full(record: Record) -> None:
        if record.now > 40 * SECOND:
            raise JournalError("live.journal must take the record, did not: disk full")
        records.append(record)

    run = run_of(hall, sinks=(full,))

    with pytest.raises(JournalError, match="disk full"):
        asyncio.run(run.run())
    hall.paper.poll(hall.now + 5 * SECOND)

    assert run.summary().placed > 0
    assert hall.paper.open_orders() == ()
