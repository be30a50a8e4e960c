"""A journal in a SQLite file: one file a run, in WAL mode, with the newest records in its tail.

A record goes to the tail file (`lifecycle.journal.tail`), from which many go to SQLite in one
commit when there is no room for another. `synchronous` is SQLite's setting, and what it costs. A
killed process loses nothing whatever it says: what was appended is with the operating system. After
a loss of power,

* `FULL` has lost nothing; each record goes to SQLite by itself and waits for the disk, which is a
  millisecond or so;
* `NORMAL`, the default, has lost the newest records, those since the log was last folded into the
  file (`CHECKPOINT_PAGES`); what is there is whole. No record waits for the disk but each few
  hundredth. What was in flight is found out from the venue in either case;
* `OFF` may have damaged the file at any place; what comes before is still used.

While a journal is written, SQLite's log `-wal` and our `-tail` lie beside it and belong to it.
Closing leaves the one file. SQLite lets nobody else open it meanwhile, not even to read: its locks
would nearly double what a commit costs. `lifecycle.journal.reading` reads what is there without
asking it.
"""

import os
import shutil
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from exchange.units import SECOND, Nanos
from lifecycle.journal.base import SCHEMA, Damage, Header, JournalError
from lifecycle.journal.encoding import RecordEncoder, decode_header, encode_header
from lifecycle.journal.reading import APPLICATION, FileRecording, Recording, read_journal
from lifecycle.journal.tail import Row, Tail, chained, tail_path
from spec.trace import Record

Synchronous: TypeAlias = Literal["OFF", "NORMAL", "FULL", "EXTRA"]

UNWRITABLE: Final = (ArithmeticError, TypeError, ValueError, msgspec.MsgspecError)
"""What is raised for a number of more than 64 bits, or a text that is no Unicode."""
KEEPING: Final = ("OFF", "NORMAL")
"""The settings at which a record need not wait for the disk, but is kept in the tail file."""
LOOK_EACH: Final = SECOND
"""How often it is seen whether the file is still there."""
CHECKPOINT_PAGES: Final = 1000
"""When the log has so many pages, it is folded into the file."""

_INSERT: Final = "INSERT INTO record VALUES (?, ?, ?)"
_SELECT: Final = "SELECT seq, crc, body FROM record WHERE seq >= ? AND seq < ? ORDER BY seq"
_SCHEMA: Final = (
    "CREATE TABLE header (body BLOB NOT NULL, crc INTEGER NOT NULL, closed INTEGER)",
    "CREATE TABLE record (seq INTEGER PRIMARY KEY, crc INTEGER NOT NULL, body BLOB NOT NULL)",
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)


class SqliteJournal:
    """A journal file that this process writes."""

    def __init__(
        self,
        path: Path,
        header: bytes,
        connection: sqlite3.Connection,
        tail: Tail,
        last: Row,
        synchronous: Synchronous,
    ) -> None:
        """Take over an open file; use `create` or `resume`."""
        self.path = path
        self.header = decode_header(header)
        self.header_body = header
        """The header as it is stored."""
        self._connection = connection
        self._tail = tail
        self._count, self._crc = last[0] + 1, last[1]
        self._encode = RecordEncoder().encode
        self._keeps = synchronous in KEEPING
        self._pending: list[Row] = []
        """The records that are in the tail file and not yet in SQLite."""
        self._place = path.absolute(), path.stat()
        """Where it is, whatever the working directory, and what is there."""
        self._look_at: Nanos = 0
        """When to look again whether it is still there."""
        self._failure: str | None = None
        self._reading = threading.Lock()
        """Held by another thread that reads, and to close."""
        self._recording: FileRecording | None = None
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
            with _made(path, body):
                pass
            connection = _open(path, synchronous)
        except JournalError:
            tail.release(remove=True)
            raise
        return cls(path, body, connection, tail, (-1, zlib.crc32(body), b""), synchronous)

    @classmethod
    def resume(
        cls, path: str | Path, *, synchronous: Synchronous = "NORMAL"
    ) -> "tuple[SqliteJournal, FileRecording]":
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
            # What was repaired has them.
            newest = whole.newest if damage is None else []
            connection = _take_over(path, synchronous, newest, tail, last[0] + 1)
        except JournalError:
            tail.release(remove=tail.is_new)
            raise
        recording = FileRecording(path, until=last[0] + 1, writer=connection)
        recording.damage = damage
        journal = cls(path, whole.header_body, connection, tail, last, synchronous)
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
        try:
            body = self._encode(record)
        except UNWRITABLE as error:
            raise self.lost(error) from error
        self.put(body, record.now)

    def lost(self, error: Exception) -> JournalError:
        """Take nothing more, as a record could not be made into bytes; return the error to raise.

        The records after it would not be understood: they say what has changed since.
        """
        self._failure = self._failure or (
            f"{self.path} must take record {self._count}, which no file can hold: {error}; nothing "
            "more is written to it: stop, and resume it"
        )
        return JournalError(self._failure)

    def put(self, body: bytes, now: Nanos) -> None:
        """Add the bytes of one record, which is of `now`; as `append` otherwise."""
        if self._failure is not None:
            raise JournalError(self._failure)
        if now >= self._look_at:
            self._look_at = now + LOOK_EACH
            self._check_place()
        count = self._count
        row = count, chained(self._crc, count, body), body
        if self._keeps and self._tail.put(row):
            self._pending.append(row)
        else:
            self._commit(row)
        self._crc = row[1]
        self._count = count = count + 1
        self._tail.set(count)

    def _commit(self, *newest: Row) -> None:
        """Have SQLite take what is pending, and this; raises JournalError, and takes no more."""
        try:
            _insert(self._connection, [*self._pending, *newest])
        except sqlite3.Error as error:
            self._failure = (
                f"{self.path} must take record {self._count}, did not: {error}; nothing more is "
                "written to it: stop, make room, and resume it"
            )
            raise JournalError(self._failure) from error
        self._pending = []
        self._tail.clear()

    def _check_place(self) -> None:
        """See that it is where it was begun; raises JournalError, and takes no more.

        The system goes on writing to a file that has no name any more, and a run that is killed
        then has orders that no journal knows.
        """
        path, known = self._place
        try:
            if os.path.samestat(path.stat(), known) and self._tail.is_there():
                return
        except OSError:
            pass
        # So that nothing hangs on a tail that is gone; of a file that has gone SQLite takes none.
        with suppress(JournalError):
            self._commit()
        self._failure = (
            f"{self.path} must stay where it is while it is written, it or its -tail was moved, "
            "removed or replaced; nothing more is written to it: put it back, and resume it"
        )
        raise JournalError(self._failure)

    @property
    def count(self) -> int:
        """How many records it has."""
        return self._count

    def rows(self, start: int, limit: int) -> list[Row]:
        """Return the next records as they are stored, from number `start` on; from any thread.

        Raises JournalError where the journal was closed.
        """
        # One that is being written may yet fail to be.
        until = min(self._count, start + limit)
        with self._reading:
            if self._failure == _CLOSED:
                raise JournalError("the journal must be open to be read from, was closed")
            # First, since they may be on their way.
            pending = self._pending.copy()
            found: list[Row] = self._connection.execute(_SELECT, (start, until)).fetchall()
        start += len(found)
        return found + [row for row in pending if start <= row[0] < until]

    def crc_at(self, count: int) -> int | None:
        """Return the checksum of the first `count` records and the header; from any thread.

        None where it has not so many. Raises JournalError where the journal was closed.
        """
        if count == 0:
            return zlib.crc32(self.header_body)
        rows = self.rows(count - 1, 1)
        return rows[0][1] if rows else None

    def close(self) -> None:
        """End the journal: one file is left, which says that it is complete."""
        if self._failure == _CLOSED:
            return
        with self._reading:
            is_whole = self._failure is None and self._is_ended()
            self._failure = _CLOSED
            if self._recording is not None:
                self._recording.writer = None
            self._connection.close()
        # What could not be marked as complete keeps its tail: it is as if it had been killed.
        self._tail.release(remove=is_whole)

    def _is_ended(self) -> bool:
        """Mark it as complete, and say whether it is."""
        try:
            self._commit()
        except JournalError:
            return False
        return _end(self._connection, self._count)


def write_copy(path: str | Path, recording: Recording) -> int:
    """Write what a recording holds to a new journal, and close it; returns how many records.

    Raises JournalError, and then leaves nothing there.
    """
    path = Path(path)
    tail = _free(path)
    try:
        with _made(path, recording.header_body) as connection:
            _insert(connection, recording.rows())
            count: int = connection.execute("SELECT count(*) FROM record").fetchone()[0]
            _end(connection, count)
    finally:
        tail.release(remove=True)
    return count


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


@contextmanager
def _made(path: Path, header: bytes) -> Iterator[sqlite3.Connection]:
    """Make a file with a header and what is put into it inside.

    It has its name only when it is whole, so that no kill leaves one that nobody can use. Raises
    JournalError, and then leaves nothing there.
    """
    fresh = _beside(path, "new")
    _remove(fresh)
    try:
        connection = _open(fresh, "FULL")
        try:
            connection.execute("BEGIN")
            for statement in _SCHEMA:
                connection.execute(statement)
            values = header, zlib.crc32(header)
            connection.execute("INSERT INTO header VALUES (?, ?, NULL)", values)
            connection.execute("COMMIT")
            yield connection
            connection.execute("PRAGMA journal_mode = DELETE")
        finally:
            connection.close()
        fresh.replace(path)
    except (OSError, sqlite3.Error, JournalError) as error:
        _remove(fresh)
        raise JournalError(f"{path} must be written to, could not: {error}") from error


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


def _take_over(
    path: Path, synchronous: Synchronous, newest: Sequence[Row], tail: Tail, count: int
) -> sqlite3.Connection:
    """Open a file to go on with it, in an order in which a crash at any point loses nothing."""
    connection = _open(path, synchronous)
    try:
        _insert(connection, newest)
        tail.begin(count)
        connection.execute("UPDATE header SET closed = NULL")
    except sqlite3.Error as error:
        connection.close()
        raise JournalError(f"{path} must be writable, was not: {error}") from error
    except JournalError:
        connection.close()
        raise
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


def _insert(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Add rows, all or none; raises sqlite3.Error."""
    connection.execute("BEGIN")
    try:
        connection.executemany(_INSERT, rows)
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


_SQLITES: Final = ("wal", "shm", "journal")
"""What SQLite puts beside a database."""


def _remove(path: Path) -> None:
    for each in (path, *(_beside(path, name) for name in _SQLITES)):
        each.unlink(missing_ok=True)


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.name}-{what}")


def _repair(path: Path, whole: FileRecording, damage: Damage) -> Damage:
    """Keep the damaged file under another name, and put what is whole of it in its place.

    In an order in which a crash at any point loses nothing: first the copy is complete, then the
    replacement, and only then the original goes (`_finish_repair` ends what was begun).
    """
    rebuilt = _beside(path, "rebuilt")
    try:
        aside = _keep(path)
        with _made(rebuilt, whole.header_body) as connection:
            _insert(connection, FileRecording(path, until=damage.record).rows())
            _end(connection, damage.record)
    except (OSError, JournalError) as error:
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
            _remove(rebuilt)
    except OSError as error:
        raise JournalError(f"{path} must be repaired, could not: {error}") from error
