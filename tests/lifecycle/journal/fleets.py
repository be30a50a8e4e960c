"""What tests of the fleet's journal share: journals to forward, and looks into the database."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from lifecycle.journal import Header, Journal, SqliteJournal
from lifecycle.journal.address import Address
from lifecycle.journal.fleet import FleetRecording, connected
from lifecycle.journal.forward import FleetJournal
from spec.trace import Record
from tests.lifecycle.journal.runs import a_run, header_of

WORLD: Final = a_run(60)
TRACE: Final = WORLD.trace
HEADER: Final = header_of(WORLD)
SOON_S: Final = 30.0
"""For which a test waits for what takes a moment."""


def header(session: str, created: str = HEADER.created) -> Header:
    """Return the header of a run of that id."""
    return structs.replace(HEADER, session=session, created=created)


def begun(path: Path, session: str = "run") -> SqliteJournal:
    """Begin a journal."""
    return SqliteJournal.create(path, header(session))


def forwarded(
    path: Path,
    fleet: Address,
    session: str = "run",
    records: list[Record] = TRACE,
    *,
    created: str = HEADER.created,
) -> None:
    """Write a journal, forward it to the end, and close it."""
    journal = FleetJournal(
        SqliteJournal.create(path, header(session, created)), fleet, account="acme"
    )
    append_all(journal, records)
    assert journal.settle(SOON_S)
    journal.close()


def append_all(journal: Journal, records: list[Record]) -> None:
    """Append records."""
    for record in records:
        journal.append(record)


def of_run(fleet: Address, run: str = "run") -> Address:
    """Return the address of a run."""
    return replace(fleet, run=run)


def arrived(fleet: Address, run: str = "run") -> list[Record]:
    """Return the records of a run that have arrived, which must be whole."""
    recording = FleetRecording(of_run(fleet, run))
    records = list(recording.records())
    assert recording.damage is None
    return records


def query(fleet: Address, statement: str) -> list[tuple[Any, ...]]:
    """Ask the database."""
    with connected(fleet) as connection:
        cursor = connection.execute(statement)
        return [] if cursor.description is None else cursor.fetchall()
