"""Coming back on a journal: the same state, everything in flight in doubt, then agreement."""

from pathlib import Path

import pytest
from msgspec import structs

from exchange.paper.generator import GENERATED
from exchange.paper.venue import PaperVenue
from exchange.units import SECOND, Nanos
from exchange.venue import Capabilities
from lifecycle.config import Config
from lifecycle.drive.driver import Driver
from lifecycle.drive.recovery import Recovery, begin, new_session, resume
from lifecycle.journal.base import Header, JournalError
from lifecycle.journal.sqlite import SqliteJournal
from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.market import load_market
from spec.trace import Target, Targets

CONFIG = Config()
CYCLE = 2 * SECOND


def venue() -> PaperVenue:
    market = load_market(MarketConfig(minutes=2), RunConfig().venue)
    return PaperVenue(market.instrument, market.rows())


def quote(venue: PaperVenue, now: Nanos, away: int) -> Targets:
    seen = venue.market(now)
    assert seen.bid is not None
    assert seen.ask is not None
    return Targets((Target(seen.bid - away, 100),), (Target(seen.ask + away, 100),))


def drive(driver: Driver, venue: PaperVenue, start: Nanos, cycles: int) -> Nanos:
    """Run some cycles with quotes that jump; returns when the last one was."""
    now = start
    for number in range(cycles):
        now += CYCLE
        driver.deliver(now)
        driver.cycle(now, quote(venue, now, 20 * (number % 3)), venue.market(now))
    return now


def died(path: Path, where: PaperVenue, cycles: int = 7, *, still: bool = False) -> Nanos:
    """Trade until the process dies; returns when that was.

    With requests in flight, unless it had been `still` for a cycle: then all of it rests.
    """
    header = Header.of_now(new_session(), GENERATED, Capabilities(), CONFIG)
    journal = SqliteJournal.create(path, header)
    driver = Driver(begin(header), where, [journal.append])
    driver.start(0, header.session)
    now = drive(driver, where, 0, cycles)
    if still:
        now += CYCLE
        driver.deliver(now)
    journal.close()
    return now


def test_a_manager_comes_back_as_it_was_and_agrees_with_the_venue(tmp_path: Path) -> None:
    path, where = tmp_path / "run.journal", venue()
    now = died(path, where)
    where.new_client(now)

    manager, journal, recovery = resume(path)
    driver = Driver(manager, where, [journal.append])
    recovery.started_at = now
    driver.start(now, new_session())
    while not recovery.look(driver, now):
        now += SECOND // 10
        driver.deliver(now)
    journal.close()

    assert recovery.in_doubt
    assert recovery.agreed_at == now
    assert manager.position == where.position
    theirs = {(order.oid, order.price, order.qty) for order in where.open_orders()}
    ours = {(one.leg.oid, one.leg.price, one.leaves) for one in manager.open_orders.values()}
    assert ours == theirs


def test_what_has_gone_meanwhile_is_counted_once_it_is_proven(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "run.journal", venue()
    now = died(path, venue(), still=True)

    manager, journal, recovery = resume(path)
    driver = Driver(manager, elsewhere, [journal.append])
    recovery.started_at = now
    driver.start(now, new_session())
    while not recovery.look(driver, now):
        now += SECOND // 10
        driver.deliver(now)
    journal.close()

    assert recovery.resting
    assert recovery.gone == tuple(sorted(recovery.resting | recovery.in_doubt))
    assert manager.open_orders == {}


def test_a_recovery_is_told_in_lines(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    died(path, venue())

    _, journal, recovery = resume(path)
    journal.close()

    first, last = recovery.lines()
    assert first.startswith("restored from ")
    assert last == "not yet agreed with the venue"


def test_what_was_found_is_told_with_its_numbers() -> None:
    recovery = Recovery(
        records=7, damage="damaged at record 7", last_at=0, position=3,
        resting=frozenset({"a"}), in_doubt=frozenset({"b"}), started_at=0, agreed_at=2 * SECOND,
        adopted=("c",), filled=-2, gone=("a",), left=4,
    )  # fmt: skip

    assert list(recovery.lines()) == [
        "restored from 7 records: position 3 lots, 1 resting, 1 in doubt",
        "the journal was damaged at record 7",
        (
            "agreed with the venue after 2.0 s: 1 gone, 1 taken over, 4 others left alone, "
            "-2 lots filled meanwhile"
        ),
    ]


def test_no_cloid_is_used_again_after_a_start(tmp_path: Path) -> None:
    path, where = tmp_path / "run.journal", venue()
    now = died(path, where)
    where.new_client(now)
    manager, journal, _ = resume(path)
    before = set(manager.orders)
    driver = Driver(manager, where, [journal.append])

    driver.start(now, new_session())
    drive(driver, where, now, 6)
    journal.close()

    placed = set(manager.orders) - before
    assert placed
    assert not {cloid[:10] for cloid in placed} & {cloid[:10] for cloid in before}


def test_other_settings_are_refused_by_name_and_value(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    died(path, venue())
    other = structs.replace(CONFIG, modify=structs.replace(CONFIG.modify, min_interval_ms=900))

    with pytest.raises(JournalError, match=r"modify\.min_interval_ms was 500 and is 900"):
        resume(path, config=other)
    _, journal, _ = resume(path, config=CONFIG)
    journal.close()


def test_a_refused_journal_can_be_resumed_after_all(tmp_path: Path) -> None:
    path = tmp_path / "run.journal"
    died(path, venue())
    other = structs.replace(CONFIG, orders=structs.replace(CONFIG.orders, post_only=False))
    with pytest.raises(JournalError):
        resume(path, config=other)

    manager, journal, _ = resume(path)
    journal.close()

    assert manager.orders


def test_two_starts_have_prefixes_long_enough_to_prove_an_order_and_not_the_same() -> None:
    assert len(new_session()) >= 8
    assert new_session() != new_session()
