"""The fleet's journal in a real PostgreSQL: what arrives, what is found wrong, what goes."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from msgspec import structs

from exchange.instrument import Instrument
from lifecycle.journal import JournalError, SqliteJournal, read_journal
from lifecycle.journal.address import Address
from lifecycle.journal.fleet import FleetError, FleetRecording, list_runs, prepare, prune
from lifecycle.journal.forward import FleetJournal, forward
from lifecycle.journal.sqlite import write_copy
from tests.docs.pages import pages
from tests.lifecycle.journal.fleets import (
    HEADER,
    SOON_S,
    TRACE,
    append_all,
    arrived,
    begun,
    forwarded,
    header,
    of_run,
    query,
)
from tools.postgres import Server

LONG_AGO: Final = "2026-01-31T23:30:00.000+00:00"
TOGETHER: Final = 8


def partitions(fleet: Address) -> list[str]:
    statement = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass"
    rows = query(fleet, statement.replace("%s", "'lifecycle.record'"))
    return sorted(name for (name,) in rows)


def documented(verb: str) -> list[str]:
    """Return the statements of the documentation that begin so."""
    (page,) = (page for page in pages() if page.path == "docs/fleet.md")
    text = "".join(block.code for block in page.blocks if block.language == "sql")
    found = [one.strip() for one in text.split(";")]
    assert found
    return [one for one in found if one.startswith(verb)]


def test_a_run_arrives_as_it_is_in_the_file(tmp_path: Path, fleet: Address) -> None:
    path = tmp_path / "run.journal"
    forwarded(path, fleet)

    here, there = read_journal(path), FleetRecording(of_run(fleet))

    assert there.header == here.header
    assert there.closed
    assert list(there.rows()) == list(here.rows())
    assert list(there.records()) == list(here.records()) == TRACE
    assert there.damage is here.damage is None


def test_of_a_run_that_goes_on_what_had_arrived_is_read(tmp_path: Path, fleet: Address) -> None:
    journal = FleetJournal(begun(tmp_path / "run.journal"), fleet)
    append_all(journal, TRACE[:40])
    assert journal.settle(SOON_S)

    recording = FleetRecording(of_run(fleet))
    append_all(journal, TRACE[40:])
    assert journal.settle(SOON_S)
    read = list(recording.records())
    journal.close()

    assert read == TRACE[:40]
    assert recording.damage is None
    assert not recording.closed


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        ("UPDATE lifecycle.record SET body = 'x' WHERE seq = 30", "its checksum does not fit"),
        ("DELETE FROM lifecycle.record WHERE seq = 30", "its number is 31, so records are missing"),
        ("DELETE FROM lifecycle.record WHERE seq >= 30", "60 records had arrived, of which 30 are"),
    ],
)
def test_what_was_altered_in_the_database_is_found(
    tmp_path: Path, fleet: Address, edit: str, what: str
) -> None:
    forwarded(tmp_path / "run.journal", fleet)
    query(fleet, edit)

    recording = FleetRecording(of_run(fleet))
    read = list(recording.records())

    assert read == TRACE[:30]
    assert str(recording.damage).startswith(f"damaged at record 30 of run: {what}")


def test_runs_are_listed_with_whose_they_are_the_newest_first(
    tmp_path: Path, fleet: Address
) -> None:
    forwarded(tmp_path / "1.journal", fleet, "one", created=LONG_AGO)
    journal = FleetJournal(begun(tmp_path / "2.journal", "two"), fleet, account="b", machine="m")
    append_all(journal, TRACE[:5])
    assert journal.settle(SOON_S)

    two, one = list_runs(fleet)
    of_b = list_runs(fleet, "b")
    journal.close()

    assert (two.id, two.account, two.machine, two.records, two.closed) == (
        "two",
        "b",
        "m",
        5,
        False,
    )
    assert (one.id, one.account, one.records, one.closed) == ("one", "acme", len(TRACE), True)
    assert one.created == datetime.fromisoformat(LONG_AGO)
    assert one.instrument == header("one").instrument.symbol
    assert of_b == [two]


def test_a_portfolios_run_is_listed_with_its_instruments(tmp_path: Path, fleet: Address) -> None:
    instrument = HEADER.instrument
    both = instrument, Instrument("XRP", instrument.price_unit, instrument.lot)
    file = SqliteJournal.create(tmp_path / "j", structs.replace(HEADER, portfolio=both))
    journal = FleetJournal(file, fleet)
    assert journal.settle(SOON_S)
    journal.close()

    (one,) = list_runs(fleet)

    assert one.instrument == f"2: {instrument.symbol}, XRP"


def test_a_run_lies_in_the_partition_of_the_day_on_which_it_began(
    tmp_path: Path, fleet: Address
) -> None:
    forwarded(tmp_path / "1.journal", fleet, "one", created=LONG_AGO)
    forwarded(tmp_path / "2.journal", fleet, "two", created="2026-02-01T00:30:00.000+01:00")

    assert partitions(fleet) == ["lifecycle.record_20260131"]
    assert query(fleet, "SELECT count(*) FROM lifecycle.record_20260131") == [(2 * len(TRACE),)]


def test_partitions_can_be_made_ahead_and_are_not_made_twice(fleet: Address) -> None:
    today = datetime.now(UTC).date()

    first, again = prepare(fleet, 3), prepare(fleet, 4)

    assert first[0] in {today, today + timedelta(days=1)}
    assert len(first) == 4
    assert len(partitions(fleet)) == len({*first, *again})


def test_a_day_of_which_nothing_is_heard_is_dropped_and_one_that_goes_on_is_not(
    tmp_path: Path, fleet: Address
) -> None:
    forwarded(tmp_path / "1.journal", fleet, "old", created=LONG_AGO)
    forwarded(tmp_path / "2.journal", fleet, "alive", created="2026-02-10T00:00:00+00:00")
    forwarded(tmp_path / "3.journal", fleet, "silent", created="2026-02-10T01:00:00+00:00")
    silence = "UPDATE lifecycle.run SET heard = now() - interval '91 days' WHERE id IN "
    query(fleet, silence + "('old', 'silent')")

    would = prune(fleet, 90, dry=True)
    kept = len(list_runs(fleet))
    gone = prune(fleet, 90)

    assert [(str(one.day), one.runs, one.records) for one in gone] == [("2026-01-31", 1, 60)]
    assert would == gone
    assert kept == 3
    assert {run.id for run in list_runs(fleet)} == {"alive", "silent"}
    assert partitions(fleet) == ["lifecycle.record_20260210"]
    assert arrived(fleet, "silent") == TRACE


def test_a_run_that_was_dropped_and_goes_on_arrives_again_as_a_whole(
    tmp_path: Path, fleet: Address
) -> None:
    path = tmp_path / "run.journal"
    forwarded(path, fleet, records=TRACE[:30], created=LONG_AGO)
    query(fleet, "UPDATE lifecycle.run SET heard = now() - interval '9 days'")
    prune(fleet, 8)

    journal, _ = SqliteJournal.resume(path)
    append_all(journal, TRACE[30:])
    forward(journal, fleet)
    journal.close()

    assert arrived(fleet) == TRACE


def test_many_bots_begin_at_once_in_an_empty_database(tmp_path: Path, fleet: Address) -> None:
    journals = [
        FleetJournal(begun(tmp_path / f"{number}.journal", f"run{number}"), fleet)
        for number in range(TOGETHER)
    ]
    threads = [
        threading.Thread(target=append_all, args=(journal, TRACE * 5)) for journal in journals
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    settled = [journal.settle(SOON_S) for journal in journals]
    for journal in journals:
        journal.close()

    assert settled == [True] * TOGETHER
    assert [arrived(fleet, f"run{number}") for number in range(TOGETHER)] == [TRACE * 5] * TOGETHER


def test_a_journal_that_has_lost_its_end_is_forwarded_anew_beside_what_had_arrived(
    tmp_path: Path, fleet: Address
) -> None:
    forwarded(tmp_path / "run.journal", fleet)
    other = SqliteJournal.create(
        tmp_path / "other.journal", read_journal(tmp_path / "run.journal").header
    )
    append_all(other, [*TRACE[:50], *TRACE[:20]])

    first = forward(other, fleet)
    again = forward(other, fleet)
    other.close()

    assert first.run == again.run == "run.2"
    assert arrived(fleet, "run") == TRACE
    assert arrived(fleet, "run.2") == [*TRACE[:50], *TRACE[:20]]


def test_two_copies_of_a_journal_that_go_on_at_once_part_and_both_are_whole(
    tmp_path: Path, fleet: Address
) -> None:
    path, copy = tmp_path / "run.journal", tmp_path / "copy.journal"
    forwarded(path, fleet, records=TRACE[:30])
    copy.write_bytes(path.read_bytes())
    one, other = (FleetJournal(SqliteJournal.resume(each)[0], fleet) for each in (path, copy))

    append_all(one, TRACE[30:])
    append_all(other, TRACE[:30])
    settled = one.settle(SOON_S), other.settle(SOON_S)
    one.close()
    other.close()

    assert settled == (True, True)
    both = arrived(fleet, "run"), arrived(fleet, "run.2")
    assert both in {0: (TRACE, TRACE[:30] * 2), 1: (TRACE[:30] * 2, TRACE)}.values()


def test_what_is_fetched_is_a_journal_to_resume_from(tmp_path: Path, fleet: Address) -> None:
    forwarded(tmp_path / "run.journal", fleet, records=TRACE[:50])
    path = tmp_path / "fetched.journal"

    count = write_copy(path, FleetRecording(of_run(fleet)))
    journal, recording = SqliteJournal.resume(path)
    before = list(recording.records())
    append_all(journal, TRACE[50:])
    upload = forward(journal, fleet)
    journal.close()

    assert count == 50
    assert before == TRACE[:50]
    assert recording.damage is None
    assert upload.run == "run"
    assert arrived(fleet) == TRACE


def test_nothing_is_left_where_fetching_fails(tmp_path: Path, fleet: Address) -> None:
    forwarded(tmp_path / "run.journal", fleet)
    recording = FleetRecording(of_run(fleet))
    query(fleet, "DROP TABLE lifecycle.record")
    path = tmp_path / "fetched.journal"

    with pytest.raises(JournalError, match="must be written to, could not: postgresql://"):
        write_copy(path, recording)

    assert [each.name for each in tmp_path.iterdir()] == ["run.journal"]


def test_a_bot_needs_no_right_but_to_add_where_partitions_are_made_ahead(
    tmp_path: Path, fleet: Address, server: Server
) -> None:
    prepare(fleet, 1)
    for role in ("bots", "readers"):
        query(fleet, f"CREATE ROLE {role} LOGIN PASSWORD 'another'")
    for statement in documented("GRANT"):
        query(fleet, statement)
    bot, reader = (Address.parse(server.url(role, "another")) for role in ("bots", "readers"))
    now = datetime.now(UTC).isoformat()

    forwarded(tmp_path / "run.journal", bot, created=now)

    assert arrived(reader) == arrived(fleet) == TRACE
    with pytest.raises(FleetError, match="permission denied"):
        query(reader, "UPDATE lifecycle.run SET records = 0")
    with pytest.raises(FleetError, match="permission denied"):
        query(bot, "DELETE FROM lifecycle.record")
    with pytest.raises(FleetError, match="must be owner"):
        query(bot, f"DROP TABLE {partitions(fleet)[0]}")


def test_what_the_documentation_asks_the_database_is_answered(
    tmp_path: Path, fleet: Address
) -> None:
    forwarded(tmp_path / "run.journal", fleet)

    by_account, *_ = (query(fleet, statement) for statement in documented("SELECT"))

    assert [row[:3] for row in by_account] == [("acme", 1, len(TRACE))]


def test_what_cannot_be_read_is_one_line_without_the_password(
    fleet: Address, server: Server, tmp_path: Path
) -> None:
    wrong = Address.parse(server.url(password="s3cret"))  # noqa: S106 - a wrong one.
    cases = [
        (replace(wrong, run="a"), "must take what it is asked, did not: .*authentication failed"),
        (of_run(fleet), r"must have a fleet's journal, has none yet: .*lifecycle fleet prepare$"),
        (fleet, r"must say which run, add \?run=ID; `lifecycle fleet runs` lists them$"),
    ]
    for address, what in cases:
        with pytest.raises(JournalError, match=what) as error:
            FleetRecording(address)
        assert "s3cret" not in str(error.value)
        assert "\n" not in str(error.value)

    forwarded(tmp_path / "run.journal", fleet)
    with pytest.raises(JournalError, match=r"\?run=other must name a run of this fleet, does not"):
        FleetRecording(of_run(fleet, "other"))


def test_a_url_that_postgresql_cannot_read_is_refused_without_repeating_it() -> None:
    pytest.importorskip("psycopg")

    for url in ("joe:s3c/ret@db/bots", "joe:s3c@ret@db/bots", "joe@db:1/bots?s3c"):
        with pytest.raises(FleetError, match="must be a URL that PostgreSQL can read") as error:
            prepare(Address.parse(f"postgresql://{url}"))
        assert "s3c" not in str(error.value)
        assert error.value.__cause__ is None


def test_a_run_of_a_newer_schema_is_refused(tmp_path: Path, fleet: Address) -> None:
    forwarded(tmp_path / "run.journal", fleet)
    query(
        fleet,
        """UPDATE lifecycle.run SET header = replace(header::text, '{"schema":1,',
                                                              '{"schema":2,')::json""",
    )

    with pytest.raises(JournalError, match="must have schema 1, was 2: read it with the version"):
        FleetRecording(of_run(fleet))
