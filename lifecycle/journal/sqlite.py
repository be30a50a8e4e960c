"""A journal in a SQLite file: one file a run, appended to in WAL mode, a commit a record.

`synchronous` is SQLite's setting, and what it costs. A killed process loses nothing whatever it
says: what was committed is with the operating system. After a loss of power,

* `FULL` has lost nothing; each record waits for the disk, which is a millisecond or so;
* `NORMAL`, the default, has lost the newest records, those since the log was last folded into the
  file (`CHECKPOINT_PAGES`); what is there is whole. No record waits for the disk but each few
  hundredth. What was in flight is found out from the venue in either case;
* `OFF` may have damaged the file at any place; what comes before is still used.

While a journal is written, SQLite's log `-wal` and our `-tail` (`lifecycle.journal.tail`) lie
beside it and belong to it. Closing leaves the one file. SQLite lets nobody else open it meanwhile,
not even to read: its locks would nearly double what a commit costs. `lifecycle.journal.reading`
reads what is there without asking it.
"""

import os
import shutil
import sqlite3
import zlib
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

from lifecycle.journal.base import SCHEMA, Damage, Header, JournalError
from lifecycle.journal.encoding import RecordEncoder, encode_header
from lifecycle.journal.reading import APPLICATION, Recording, Row, chained, read_journal
from lifecycle.journal.tail import Tail, tail_path
from spec.trace import Record

Synchronous: TypeAlias = Literal["OFF", "NORMAL", "FULL", "EXTRA"]

CHECKPOINT_PAGES: Final = 1000
"""When the log has so many pages, it is folded into the file."""

_INSERT: Final = "INSERT INTO record VALUES (?, ?, ?)"
_SCHEMA: Final = (
    "CREATE TABLE header (body BLOB NOT NULL, crc INTEGER NOT NULL, closed INTEGER)",
    "CREATE TABLE record (seq INTEGER PRIMARY KEY, crc INTEGER NOT NULL, body BLOB NOT NULL)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)


class SqliteJournal:
    """A journal file that this process writes."""

    def __init__(
        self, path: Path, header: Header, connection: sqlite3.Connection, tail: Tail, last: Row
    ) -> None:
        """Take over an open file; use `create` or `resume`."""
        self.path = path
        self.header = header
        self._connection = connection
        self._execute = connection.execute
        self._tail = tail
        self._count, self._crc = last[0] + 1, last[1]
        self._encode = RecordEncoder().encode
        self._failure: str | None = None
        self._recording: Recording | None = None
        """What was there when it was resumed, read through our connection."""

    @classmethod
    def create(
        cls, path: str | Path, header: Header, *, synchronous: Synchronous = "NORMAL"
    ) -> "SqliteJournal":
        """Begin a journal at `path`, where nothing must be yet; raises JournalError."""
        path = Path(path)
        _check_synchronous(synchronous)
        tail = _free(path)
        try:
            tail.begin(0)
            body = encode_header(header)
            connection = _write_new(path, body, synchronous)
        except JournalError:
            tail.release(remove=True)
            raise
        return cls(path, header, connection, tail, (-1, zlib.crc32(body), b""))

    @classmethod
    def resume(
        cls, path: str | Path, *, synchronous: Synchronous = "NORMAL"
    ) -> "tuple[SqliteJournal, Recording]":
        """Continue the journal at `path`, and return what it holds so far.

        Where it is damaged, the file is kept under another name, with all that lay beside it, and
        what is whole of it becomes the journal; the recording's `damage` says so. Raises
        JournalError where nothing of it can be used, or another run has it; it is as it was then.
        """
        path = Path(path)
        _check_synchronous(synchronous)
        if not path.exists():
            raise JournalError(f"{path} must be a journal, does not exist")
        tail = Tail(path)
        try:
            _finish_repair(path)
            whole = read_journal(path)
            last: Row = (-1, whole.first, b"")
            for row in whole.rows():
                last = row
            damage = whole.damage
            if damage is not None:
                damage = _repair(path, whole, damage)
            tail.begin(last[0] + 1)
            connection = _open(path, synchronous)
            _execute(path, connection, "UPDATE header SET closed = NULL")
        except JournalError:
            tail.release(remove=tail.is_new)
            raise
        recording = Recording(path, until=last[0] + 1, writer=connection)
        recording.damage = damage
        journal = cls(path, whole.header, connection, tail, last)
        journal._recording = recording
        return journal, recording

    def append(self, record: Record) -> None:
        """Add one record; when this returns, it is as durable as `synchronous` says.

        Raises JournalError where it could not be written, for instance because the disk is full:
        the records before are all there, this one is not, and no other will be taken, because the
        manager has moved on and the journal has not. Nothing that came of it may be sent; resume
        the journal when there is room again. (Should a failing disk have kept the record after
        all, a resumed run takes its commands to be in doubt, as it does with any.)
        """
        if self._failure is not None:
            raise JournalError(self._failure)
        count = self._count
        body = self._encode(record)
        crc = chained(self._crc, count, body)
        try:
            self._execute(_INSERT, (count, crc, body))
        except sqlite3.Error as error:
            self._failure = (
                f"{self.path} must take record {count}, did not: {error}; nothing more is "
                "written to it: stop, make room, and resume it"
            )
            raise JournalError(self._failure) from error
        self._crc = crc
        self._count = count = count + 1
        self._tail.set(count)

    def close(self) -> None:
        """End the journal: one file is left, which says that it is complete."""
        if self._failure == _CLOSED:
            return
        is_whole = self._failure is None and _end(self._connection, self._count)
        self._failure = _CLOSED
        if self._recording is not None:
            self._recording.writer = None
        self._connection.close()
        # What could not be marked as complete keeps its tail: it is as if it had been killed.
        self._tail.release(remove=is_whole)


_CLOSED: Final = "the journal must be open to append to it, was closed"


def _check_synchronous(value: str) -> None:
    if value not in get_args(Synchronous):
        words = ", ".join(get_args(Synchronous))
        raise JournalError(f"synchronous must be one of {words}, was {value}")


def _free(path: Path) -> Tail:
    """Lock a path at which nothing is yet."""
    rule = f"{path} must not exist to begin a journal there"
    if path.exists():
        raise JournalError(f"{rule}, did; resume it, or choose another file")
    log = _beside(path, "wal")
    if log.exists():
        raise JournalError(f"{rule}, but {log.name} did; move it away, or choose another file")
    tail = Tail(path)
    if path.exists():
        tail.release(remove=False)
        raise JournalError(f"{rule}, did; resume it, or choose another file")
    return tail


def _write_new(path: Path, header: bytes, synchronous: Synchronous) -> sqlite3.Connection:
    """Make the file with its header in it."""
    connection = _open(path, synchronous)
    try:
        connection.execute("BEGIN")
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO header VALUES (?, ?, NULL)", (header, zlib.crc32(header)))
        connection.execute("COMMIT")
        # The header is in the file itself from the start, whatever becomes of the log.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        connection.close()
        for each in (path, *(_beside(path, name) for name in _SQLITES)):
            each.unlink(missing_ok=True)
        raise JournalError(f"{path} must be written to, could not: {error}") from error
    return connection


def _open(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """Open a file for appending."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise JournalError(f"{path} must be writable: {error}") from error
    # No other connection is ever let in, which halves what a commit costs.
    _execute(path, connection, "PRAGMA locking_mode = EXCLUSIVE")
    mode = _execute(path, connection, "PRAGMA journal_mode = WAL")
    if mode != "wal":
        connection.close()
        raise JournalError(f"{path} must be on a local disk, where SQLite can keep a log: {mode}")
    _execute(path, connection, f"PRAGMA synchronous = {synchronous}")
    _execute(path, connection, f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    # As a reader has it: bytes are compared by their checksum, whatever SQLite takes them for.
    connection.text_factory = bytes
    return connection


def _execute(path: Path, connection: sqlite3.Connection, statement: str) -> object:
    """Execute a statement and return its one value; closes and raises JournalError on failure."""
    try:
        row = connection.execute(statement).fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise JournalError(f"{path} must be writable, was not: {error}") from error
    return None if row is None else row[0]


def _end(connection: sqlite3.Connection, count: int) -> bool:
    """Mark a journal as complete and fold its log into it; say whether it is marked."""
    try:
        connection.execute("UPDATE header SET closed = ?", (count,))
    except sqlite3.Error:
        return False
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error:
        # There is no room for it: the log stays beside the file, which is complete with it.
        return True
    return True


_SQLITES: Final = ("wal", "shm", "journal")
"""What SQLite puts beside a database."""


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}-{what}")


def _repair(path: Path, whole: Recording, damage: Damage) -> Damage:
    """Keep the damaged file under another name, and put what is whole of it in its place.

    In an order in which a crash at any point loses nothing: first the copy is complete, then the
    replacement, and only then the original goes (`_finish_repair` ends what was begun).
    """
    rebuilt = _beside(path, "rebuilt")
    try:
        aside = _keep(path)
        connection = _write_new(rebuilt, whole.header_body, "FULL")
        connection.execute("BEGIN")
        rows = Recording(path, until=damage.record).rows()
        connection.executemany(_INSERT, rows)
        connection.execute("COMMIT")
        _end(connection, damage.record)
        connection.close()
    except (OSError, sqlite3.Error) as error:
        raise JournalError(f"{path} must be repaired, could not: {error}") from error
    _finish_repair(path)
    return Damage(
        damage.record, damage.position, f"{damage.what}; the damaged file is kept as {aside.name}"
    )


def _keep(path: Path) -> Path:
    """Copy a file, and what lies beside it, to a name that is free."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for original, copy in (
        (_beside(path, "wal"), _beside(aside, "wal")),
        (tail_path(path), tail_path(aside)),
        (path, aside),
    ):
        if original.exists():
            shutil.copy2(original, copy)
            with copy.open("rb+") as file:
                os.fsync(file.fileno())
    return aside


def _finish_repair(path: Path) -> None:
    """Put the replacement in the original's place, if a repair has come so far."""
    rebuilt = _beside(path, "rebuilt")
    if not rebuilt.exists():
        return
    try:
        recording = read_journal(rebuilt)
        for _ in recording.rows():
            pass
        is_complete = recording.damage is None
    except JournalError:
        is_complete = False
    try:
        if is_complete:
            # The old log must not be taken for the new file's.
            for name in _SQLITES:
                _beside(path, name).unlink(missing_ok=True)
            rebuilt.replace(path)
        else:
            for each in (rebuilt, *(_beside(rebuilt, name) for name in _SQLITES)):
                each.unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(f"{path} must be repaired, could not: {error}") from error
