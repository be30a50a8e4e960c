"""Forwarding while everything breaks: nothing waits, nothing is lost, nothing arrives twice."""

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from lifecycle.drive.portfolio import portfolio_of
from lifecycle.drive.switch import KillSwitch
from lifecycle.journal import Header, Journal, JournalError, SqliteJournal, read_journal
from lifecycle.journal import forward as module
from lifecycle.journal.address import Address
from lifecycle.journal.fleet import FleetRecording, connected, list_runs
from lifecycle.journal.forward import FleetJournal, PartedError, begin
from lifecycle.journal.portfolio import PortfolioJournal
from lifecycle.journal.tail import Row
from lifecycle.run.config import MarketConfig, RunConfig
from lifecycle.run.session import Session, load_market
from spec.trace import Record
from tests.lifecycle.drive.portfolios import AMENDS, INSTRUMENTS, SCARCE, live
from tests.lifecycle.journal.fleets import SOON_S, TRACE, append_all, arrived, begun, of_run, query
from tools.postgres import Server

MANY: Final = TRACE * 20
CRASHES: Final = 4
KILLS: Final = 5


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.journal"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again sooner than in life: there is nobody to be spared."""
    monkeypatch.setattr(module, "RETRY_S", (0.02, 0.2))


def test_a_portfolios_journal_arrives_record_by_record(path: Path, fleet: Address) -> None:
    header = Header.of_now("s", INSTRUMENTS[0], AMENDS, SCARCE, portfolio=INSTRUMENTS)
    portfolio = portfolio_of(header)
    journal = PortfolioJournal(SqliteJournal.create(path, header), fleet)
    portfolio.keep_in(journal.append)
    live(portfolio)

    journal.close()

    (run,) = list_runs(fleet)
    there = FleetRecording(of_run(fleet, run.id))
    assert [*there.told()] == [*read_journal(path).told()]
    assert there.damage is None
    assert journal.count > 100


@pytest.mark.usefixtures("impatient")
def test_what_was_appended_while_the_database_was_away_arrives_when_it_is_back(
    path: Path, fleet: Address, server: Server
) -> None:
    server.stop()
    said: list[str] = []
    journal = FleetJournal(begun(path), fleet, warn=said.append)
    append_all(journal, MANY)
    before = journal.behind

    server.start()
    settled = journal.settle(SOON_S)
    journal.close()

    assert before == len(MANY)
    assert settled
    assert journal.behind == 0
    assert arrived(fleet) == MANY
    away, back = said
    assert "records wait in" in away
    assert away.count("\n") == 0
    assert "is back, " in back
    assert fleet.password not in "".join(said)


def test_a_kill_switch_withdraws_everything_while_the_database_hangs(
    path: Path, fleet: Address, server: Server
) -> None:
    switch = KillSwitch()
    records: list[Record] = []
    with ExitStack() as stack:
        stack.callback(server.thaw)
        journal, session = _session(path, fleet, switch, records)
        for _ in range(5):
            session.step()
        assert journal.settle(SOON_S)
        before = journal.count

        server.freeze()
        for _ in range(5):
            session.step()
        resting = len(session.manager.open_orders)
        switch.throw("a test")
        while session.step():
            pass
        hung = journal.behind

    settled = journal.settle(SOON_S)
    journal.close()

    assert resting > 0
    assert session.is_withdrawn()
    assert hung == len(records) - before > 0
    assert settled
    assert arrived(fleet, "0") == records


def _session(
    path: Path, fleet: Address, switch: KillSwitch, records: list[Record]
) -> tuple[FleetJournal, Session]:
    """Begin a run at the paper venue that is journalled and forwarded."""
    config = RunConfig(market=MarketConfig(minutes=5.0))
    market = load_market(config.market, config.venue)
    held: list[FleetJournal] = []

    def sink(record: Record) -> None:
        held[0].append(record)
        records.append(record)

    session = Session(config, "stable", market, sinks=(sink,), switch=switch)
    capabilities = session.venue.capabilities
    header = Header.of_now("0", market.instrument, capabilities, session.config)
    held.append(FleetJournal(SqliteJournal.create(path, header), fleet))
    return held[0], session


def test_closing_does_not_wait_for_a_database_that_is_away(
    path: Path, fleet: Address, server: Server
) -> None:
    server.stop()
    journal = FleetJournal(begun(path), fleet, warn=lambda _: None)
    append_all(journal, TRACE)

    journal.close(patience_s=SOON_S)

    assert journal.behind == len(TRACE)
    recording = read_journal(path)
    assert list(recording.records()) == TRACE
    assert recording.damage is None


def test_closing_waits_for_a_database_that_hangs_no_longer_than_it_is_told(
    path: Path, fleet: Address, server: Server
) -> None:
    said: list[str] = []
    journal = FleetJournal(begun(path), fleet, warn=said.append)
    append_all(journal, TRACE[:10])
    assert journal.settle(SOON_S)
    server.freeze()
    append_all(journal, TRACE[10:])

    journal.close(patience_s=0.1)
    left = journal.behind
    server.thaw()
    journal._thread.join(SOON_S)

    assert left == len(TRACE) - 10
    assert list(read_journal(path).records()) == TRACE
    assert not journal._thread.is_alive()
    assert said == []
    (run,) = list_runs(fleet)
    assert arrived(fleet) == TRACE[: run.records]


@pytest.mark.usefixtures("impatient")
def test_a_crash_of_the_database_at_any_moment_loses_and_doubles_nothing(
    path: Path, fleet: Address, server: Server
) -> None:
    draw = random.Random(1)
    journal = FleetJournal(begun(path), fleet, warn=lambda _: None)
    some = threading.Event()
    done = threading.Event()

    def write() -> None:
        # Faster than it can be forwarded, but not by so much that this takes for ever.
        while not done.wait(0.002):
            append_all(journal, TRACE)
            some.set()

    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(CRASHES):
        some.clear()
        some.wait(SOON_S)
        _wait(journal, draw.randint(1, 2000))
        server.stop()
        server.start()
    done.set()
    writer.join()
    settled = journal.settle(2 * SOON_S)
    count = journal.count
    journal.close()

    assert settled
    assert arrived(fleet) == TRACE * (count // len(TRACE))
    assert query(fleet, "SELECT count(*), count(DISTINCT seq) FROM lifecycle.record") == [
        (count, count)
    ]


def _wait(journal: FleetJournal, records: int) -> None:
    """Wait until so many more records have arrived."""
    with journal._changed:
        wanted = journal._arrived + records
        journal._changed.wait_for(lambda: journal._arrived >= wanted, SOON_S)


WRITER: Final = """
import os, sys
from pathlib import Path
from lifecycle.journal import SqliteJournal
from lifecycle.journal.address import Address
from lifecycle.journal.forward import FleetJournal
from tests.lifecycle.journal.fleets import TRACE, begun
path = Path(sys.argv[1])
file = SqliteJournal.resume(path)[0] if path.exists() else begun(path)
journal = FleetJournal(file, Address.parse(sys.argv[2]), warn=lambda _: None)
while True:
    journal.append(TRACE[file.count % len(TRACE)])
    os.write(1, file.count.to_bytes(8, "little"))
"""


def _killed(path: Path, fleet: Address, after: int) -> None:
    """Run a bot on a journal, and kill it when it has appended so many records."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), fleet.url],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None, "it is piped"
    assert process.stdout.read(8 * after)
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()


def test_a_bot_that_was_killed_with_a_full_spool_forwards_it_after_the_next_start(
    path: Path, fleet: Address, server: Server
) -> None:
    server.stop()
    _killed(path, fleet, after=2000)
    server.start()

    journal, recording = SqliteJournal.resume(path)
    resumed = FleetJournal(journal, fleet)
    settled = resumed.settle(SOON_S)
    resumed.close()

    assert settled
    records = list(recording.records())
    assert len(records) >= 2000
    assert arrived(fleet) == records


def test_no_kill_of_a_bot_at_any_moment_loses_or_doubles_a_record(
    path: Path, fleet: Address
) -> None:
    draw = random.Random(2)
    for _ in range(KILLS):
        _killed(path, fleet, after=draw.randint(1, 4000))

    journal, recording = SqliteJournal.resume(path)
    half_way = [run.records for run in list_runs(fleet)]
    resumed = FleetJournal(journal, fleet)
    settled = resumed.settle(SOON_S)
    resumed.close()

    assert settled
    assert half_way
    assert 0 < half_way[0] <= journal.count
    assert [run.id for run in list_runs(fleet)] == ["run"]
    assert arrived(fleet) == list(recording.records())


def test_what_arrived_without_our_being_told_is_not_sent_again(path: Path, fleet: Address) -> None:
    journal = begun(path)
    append_all(journal, TRACE)
    with connected(fleet) as connection:
        begin(connection, journal, None, "m").store(journal.rows(0, 40))

    with connected(fleet) as connection:
        upload = begin(connection, journal, None, "m")
        known = upload.count
        upload.store(journal.rows(known, 100))
    journal.close()

    assert known == 40
    assert arrived(fleet) == TRACE


@pytest.mark.usefixtures("impatient")
def test_a_run_that_goes_on_elsewhere_is_left_and_forwarded_anew(
    path: Path, fleet: Address
) -> None:
    journal = FleetJournal(begun(path), fleet, warn=lambda _: None)
    append_all(journal, TRACE[:30])
    assert journal.settle(SOON_S)
    other = begun(path.with_name("other.journal"))
    append_all(other, TRACE)
    with connected(fleet) as connection:
        begin(connection, other, None, "m").store(other.rows(30, 10))

    append_all(journal, TRACE[:30])
    settled = journal.settle(SOON_S)
    journal.close()
    other.close()

    assert settled
    assert arrived(fleet) == TRACE[:40]
    assert arrived(fleet, "run.2") == TRACE[:30] * 2


def test_two_that_forward_a_run_at_once_take_turns_and_the_second_sees(
    path: Path, fleet: Address
) -> None:
    journal = begun(path)
    append_all(journal, TRACE)
    with connected(fleet) as one, connected(fleet) as other:
        first, second = (begin(each, journal, None, "m") for each in (one, other))
        first.store(journal.rows(0, 10))

        with pytest.raises(PartedError):
            second.store(journal.rows(0, 20))

    journal.close()
    assert arrived(fleet) == TRACE[:10]


def test_what_is_appended_just_before_closing_has_arrived_when_the_run_has_ended(
    path: Path, fleet: Address
) -> None:
    file = begun(path)
    held: list[FleetJournal] = []
    real = file.rows

    def rows(start: int, limit: int) -> list[Row]:
        found = real(start, limit)
        if held and file.count == 0:
            file.append(TRACE[0])
            held[0]._ending.set()
        return found

    file.rows = rows  # type: ignore[method-assign]
    held.append(FleetJournal(file, fleet))
    held[0]._thread.join(SOON_S)
    held[0].close()

    assert FleetRecording(of_run(fleet)).closed
    assert arrived(fleet) == TRACE[:1]


def test_a_run_is_ended_when_its_journal_is_closed_and_goes_on_when_it_is_resumed(
    path: Path, fleet: Address
) -> None:
    first = FleetJournal(begun(path), fleet, account="acme", machine="one")
    append_all(first, TRACE[:30])
    first.close()
    ended = list_runs(fleet)

    again = FleetJournal(SqliteJournal.resume(path)[0], fleet, account="acme", machine="two")
    append_all(again, TRACE[30:])
    assert again.settle(SOON_S)
    (running,) = list_runs(fleet)
    again.close()

    assert [(run.records, run.closed, run.machine) for run in ended] == [(30, True, "one")]
    assert (running.records, running.closed, running.machine) == (len(TRACE), False, "two")
    assert FleetRecording(of_run(fleet)).closed


def test_closing_again_does_nothing(path: Path, fleet: Address) -> None:
    journal: Journal = FleetJournal(begun(path), fleet)
    append_all(journal, TRACE)
    journal.close()

    journal.close()

    assert arrived(fleet) == TRACE
    with pytest.raises(JournalError, match="must be open to append to it"):
        journal.append(TRACE[0])
