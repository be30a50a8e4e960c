"""Forwarding: a journal's records on their way from its file to the fleet's journal.

The file stays what it is: a record is durable there before its commands leave, and a run is resumed
from there. A thread copies what the file has to the database, in batches and in order. So whatever
becomes of the database, nothing waits for it: not a record, not a command, not a cancel. While it
is away the file is the spool, and when it is back, or at the next start, copying goes on.

How far it has come stands in the database, in the transaction of the records themselves. So each
record arrives exactly once: a batch whose commit was not answered has arrived or has not, and the
next connection sees which. The count comes with the checksum of the last record, which depends on
all before it. Where that is not the file's, the two have parted (the end of the file was lost with
the power, or a copy of it went on elsewhere), and the file is forwarded anew as another run, with
a number behind its id. Nothing that has arrived is ever changed.
"""

import logging
import socket
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from typing import TYPE_CHECKING, Final

from lifecycle.journal.address import Address
from lifecycle.journal.base import Header, JournalError
from lifecycle.journal.fleet import FleetError, connected, conninfo, make_partition
from lifecycle.journal.sqlite import SqliteJournal
from lifecycle.journal.tail import Row
from spec.trace import Record

if TYPE_CHECKING:
    from lifecycle.journal.fleet import Connection

BATCH: Final = 500
"""Records of a transaction. Few enough that the trading thread is not kept waiting by Python."""
POLL_S: Final = 0.2
"""How often new records are looked for."""
RETRY_S: Final = (0.5, 30.0)
"""Between two attempts to reach the database: at first, and at most."""
PATIENCE_S: Final = 5.0
"""How long closing waits for a database that answers."""

_LOGGER: Final = logging.getLogger(__name__)


class FleetJournal:
    """A journal in a file whose records also go to the fleet's."""

    def __init__(
        self,
        journal: SqliteJournal,
        address: Address,
        *,
        account: str = "",
        machine: str | None = None,
        warn: Callable[[str], None] = _LOGGER.warning,
    ) -> None:
        """Begin to forward an open journal, which is closed with this one.

        `account` and `machine` say whose it is, by default none and this machine's name. `warn`
        is called from another thread, once when the database goes away and once when it is back.
        Raises JournalError where that can never be: the extra is not installed, or the URL is none.
        """
        conninfo(address)
        self.header: Header = journal.header
        self.append: Callable[[Record], None] = journal.append
        self._journal = journal
        self._address = address
        self._account = account
        self._machine = socket.gethostname() if machine is None else machine
        self._warn = warn
        self._arrived = 0
        self._is_away = False
        self._retry_s = RETRY_S[0]
        self._changed = threading.Condition()
        self._ending = threading.Event()
        # Never waited for at the end of a process: what has not arrived is in the file.
        self._thread = threading.Thread(target=self._run, name="forward", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """How many records the journal has."""
        return self._journal.count

    @property
    def behind(self) -> int:
        """How many records the fleet's journal does not have yet."""
        return self._journal.count - self._arrived

    def settle(self, patience_s: float) -> bool:
        """Wait until all records have arrived that there are now; False: not in that time."""
        wanted = self._journal.count
        with self._changed:
            return self._changed.wait_for(lambda: self._arrived >= wanted, patience_s)

    def close(self, patience_s: float = PATIENCE_S) -> None:
        """End the journal; what has not arrived by then is forwarded after the next start.

        A database that answers is waited for, so long at most; one that is away is not.
        """
        self._ending.set()
        self._thread.join(patience_s)
        self._journal.close()

    # In the thread.

    def _run(self) -> None:
        while True:
            try:
                with connected(self._address) as connection:
                    self._forward(connection)
                    return
            except (FleetError, sqlite3.Error) as error:
                self._note_away(str(error))
            except JournalError:
                # The file was closed before all had arrived.
                return
            except PartedError:
                # The next connection finds out which run it is.
                self._note(0)
            if self._ending.is_set():
                return
            self._ending.wait(self._retry_s)
            self._retry_s = min(2 * self._retry_s, RETRY_S[1])

    def _forward(self, connection: "Connection") -> None:
        """Copy until the journal is closed and all of it has arrived."""
        upload = begin(connection, self._journal, self._account, self._machine)
        self._note(upload.count)
        self._retry_s = RETRY_S[0]
        if self._is_away:
            self._is_away = False
            self._warn(f"{self._address} is back, {self.behind} records are on their way")
        while True:
            is_ending = self._ending.is_set()
            rows = self._journal.rows(upload.count, BATCH)
            if rows:
                upload.store(rows)
                self._note(upload.count)
            elif is_ending:
                upload.end()
                return
            else:
                self._ending.wait(POLL_S)

    def _note(self, arrived: int) -> None:
        with self._changed:
            self._arrived = arrived
            self._changed.notify_all()

    def _note_away(self, why: str) -> None:
        if not self._is_away:
            self._is_away = True
            self._warn(f"{why}; records wait in {self._journal.path}, and nothing waits for them")


class PartedError(Exception):
    """The run in the database is not, or is no longer, what we have forwarded."""


@dataclass(slots=True)
class Upload:
    """A run on its way, through one connection."""

    connection: "Connection"
    run: str
    day: date
    count: int
    """How many records have arrived."""
    crc: int
    """The checksum of the last of them, or of the header."""

    def store(self, rows: Sequence[Row]) -> None:
        """Add the rows that are next, all or none.

        Raises PartedError where they are not, as the database has it, and FleetError.
        """
        records, crc = rows[-1][0] + 1, rows[-1][1]
        with self.connection.transaction(), self.connection.cursor() as cursor:
            # First, since it locks the run: two that forward it take turns, and the second sees.
            cursor.execute(
                "UPDATE lifecycle.run SET records = %s, crc = %s, heard = now() "
                "WHERE id = %s AND records = %s AND crc = %s",
                (records, crc, self.run, self.count, self.crc),
            )
            if cursor.rowcount != 1:
                raise PartedError
            with cursor.copy(
                "COPY lifecycle.record (day, run, seq, crc, body) FROM STDIN (FORMAT BINARY)"
            ) as copy:
                copy.set_types(["date", "text", "int8", "int8", "bytea"])
                for row in rows:
                    copy.write_row((self.day, self.run, *row))
        self.count, self.crc = records, crc

    def end(self) -> None:
        """Say that the run has ended, and is here as a whole."""
        self.connection.execute(
            "UPDATE lifecycle.run SET closed = true WHERE id = %s AND records = %s AND crc = %s",
            (self.run, self.count, self.crc),
        )


def forward(
    journal: SqliteJournal,
    address: Address,
    *,
    account: str | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> Upload:
    """Forward all that an open journal has, here and now; returns what has arrived.

    `tell` hears after each batch how many records have. Raises JournalError.
    """
    while True:
        try:
            with connected(address) as connection:
                upload = begin(connection, journal, account, socket.gethostname())
                while rows := journal.rows(upload.count, BATCH):
                    upload.store(rows)
                    tell(upload.count)
                upload.end()
                return upload
        except PartedError:
            # Somebody forwards a copy of it at this moment.
            continue


def begin(
    connection: "Connection", journal: SqliteJournal, account: str | None, machine: str
) -> Upload:
    """Find the run of a journal and how far it has come, or begin it; raises FleetError.

    `account` is whose it is, None for whoever it was.
    """
    created = journal.header.created
    day = datetime.fromisoformat(created).astimezone(UTC).date()
    make_partition(connection, day)
    header = journal.header_body.decode()
    for number in count(1):
        run = journal.header.session if number == 1 else f"{journal.header.session}.{number}"
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO lifecycle.run "
                "(id, day, account, machine, created, header, records, crc) "
                "VALUES (%s, %s, %s, %s, %s, %s, 0, %s) ON CONFLICT (id) DO NOTHING",
                (run, day, account or "", machine, created, header, journal.crc_at(0)),
            )
            cursor.execute(
                "SELECT header::text, records, crc FROM lifecycle.run WHERE id = %s FOR UPDATE",
                (run,),
            )
            row = cursor.fetchone()
            # Dropped at this moment, if it is none.
            if row is not None and row[0] == header and row[2] == journal.crc_at(row[1]):
                cursor.execute(
                    "UPDATE lifecycle.run SET account = coalesce(%s, account), machine = %s, "
                    "closed = false WHERE id = %s",
                    (account, machine, run),
                )
                return Upload(connection, run, day, row[1], row[2])
    raise AssertionError("numbers do not end")
