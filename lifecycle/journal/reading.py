"""Reading a journal: a finished one, one whose process died, a damaged one, one being written.

Nothing is changed by reading, and a writer does not notice it: where there is a log beside the
file, both are copied, and the copy is read. It is as the journal was when reading began. A process
that writes a journal should not also read it so: on POSIX, to close a file that one has open twice
gives up its locks. `SqliteJournal.resume` reads through the writer.

Every row is held against the chain of checksums from the header on, so that a record that was
altered, moved, added or lost is found; the count of a closed journal, or the tail file of one that
was not closed, tells whether the end is missing. Where SQLite itself stumbles, that is damage like
any other: what was read before is used.
"""

import shutil
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias
from urllib.parse import quote

from msgspec import MsgspecError

from lifecycle.journal.base import SCHEMA, Damage, Header, JournalError
from lifecycle.journal.encoding import RecordDecoder, decode_header
from lifecycle.journal.tail import read_tail, tail_path
from spec.trace import Record

APPLICATION: Final = 0x4F4C4331
"""SQLite's application_id of a journal."""
BATCH: Final = 256
"""Rows read at a time."""
ATTEMPTS: Final = 100
"""To copy a journal between two beginnings of its log. At the speed of a real run they are minutes
apart; a writer that does nothing else may be too fast for a large file."""

Row: TypeAlias = tuple[int, int, bytes]
"""Number, checksum and bytes of a record."""

_SEQ: Final = struct.Struct("<Q")
_MAGIC: Final = b"SQLite format 3\x00"


def chained(last: int, seq: int, body: bytes) -> int:
    """Return the checksum of a record: of itself, its number, and the checksum before it."""
    return zlib.crc32(body, zlib.crc32(_SEQ.pack(seq), last))


def read_journal(path: str | Path) -> "Recording":
    """Open the journal at `path` for reading.

    Raises JournalError where nothing of it can be used: it is no journal, its schema is newer than
    this code, or its header is damaged.
    """
    return Recording(Path(path))


class Recording:
    """What a journal holds, as far as it is whole."""

    def __init__(
        self, path: Path, until: int | None = None, writer: sqlite3.Connection | None = None
    ) -> None:
        """Open the journal at `path`, and go no further than its first `until` records.

        `writer` is the connection of this process that writes it, if one does.
        """
        self.path = path
        self.damage: Damage | None = None
        """Known once all has been read; None where nothing is wrong, or before."""
        self._until = until
        self.writer = writer
        """To be taken away when it is closed."""
        with self._opened() as connection:
            self.header_body, self.first = _read_header(path, connection)
            # The header as it is stored, and its checksum, with which the chain begins.
        try:
            self.header: Header = decode_header(self.header_body)
        except (MsgspecError, ValueError) as error:
            raise JournalError(f"{path} must have a header of this version, {error}") from error

    def records(self) -> Iterator[Record]:
        """Read the records from the first on, each when it is asked for.

        Ends before what is damaged, which `damage` then describes. Raises JournalError where a
        record is whole and still not one that this version can read.
        """
        decoder = RecordDecoder()
        for seq, _, body in self.rows():
            try:
                record = decoder.decode(body)
            except (MsgspecError, ValueError, IndexError) as error:
                raise JournalError(
                    f"{self.path} must have been written by this version ({self.header.version} "
                    f"wrote it), record {seq} cannot be read: {error}"
                ) from error
            yield record

    def rows(self) -> Iterator[Row]:
        """Read the rows from the first on as they are stored, held against their checksums."""
        count, last = 0, self.first
        # Before the rows: a writer may add more meanwhile.
        known = read_tail(self.path)
        try:
            with ExitStack() as stack:
                connection, writer = stack.enter_context(self._opened()), self.writer
                while True:
                    if writer is not self.writer:
                        connection, writer = stack.enter_context(self._opened()), self.writer
                    rows = self._batch(connection, count)
                    if not rows:
                        break
                    for seq, crc, body in rows:
                        wrong = _wrong(count, last, seq, crc, body)
                        if wrong is not None:
                            self._damaged(count, wrong)
                            return
                        yield seq, crc, body
                        count, last = count + 1, crc
                closed = _closed(connection)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._damaged(count, str(error))
            return
        if self._until is None:
            self._check_end(count, closed, known)

    def _opened(self) -> AbstractContextManager[sqlite3.Connection]:
        return opened(self.path) if self.writer is None else nullcontext(self.writer)

    def _batch(self, connection: sqlite3.Connection, start: int) -> list[Row]:
        limit = BATCH if self._until is None else min(BATCH, self._until - start)
        return connection.execute(
            "SELECT seq, crc, body FROM record WHERE seq >= ? ORDER BY seq LIMIT ?", (start, limit)
        ).fetchall()

    def _check_end(self, count: int, closed: int | None, known: int | None) -> None:
        """Note whether all records are there that were ever appended."""
        if closed is not None and closed != count:
            self._damaged(count, f"closed with {closed} records, of which {count} are here")
        elif known is not None and known > count:
            tail = tail_path(self.path).name
            self._damaged(count, f"{known} records were appended, as {tail} says")
        elif closed is None and known is None:
            tail = tail_path(self.path).name
            self._damaged(
                count, f"it was not closed and {tail} cannot be read, so the end may be missing"
            )

    def _damaged(self, record: int, what: str) -> None:
        self.damage = Damage(record, f"record {record} of {self.path.name}", what)


def _wrong(count: int, last: int, seq: object, crc: object, body: object) -> str | None:
    """Say what is wrong with the row that should be number `count`; None: nothing."""
    if seq != count:
        return f"its number is {seq}, so records are missing or in disorder"
    if not isinstance(body, bytes) or crc != chained(last, count, body):
        return "its checksum does not fit, so it or its place was altered"
    return None


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file, or a copy of it, for reading; raises JournalError where it is no database."""
    _check_is_database(path)
    log = path.with_name(f"{path.name}-wal")
    with ExitStack() as stack:
        if log.exists() and log.stat().st_size > 0:
            folder = stack.enter_context(TemporaryDirectory(prefix="journal-"))
            source = f"file:{quote(str(_copied(path, log, Path(folder))))}?mode=ro"
        else:
            source = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        connection = sqlite3.connect(source, uri=True, isolation_level=None)
        stack.callback(connection.close)
        connection.text_factory = bytes
        yield connection


def _copied(path: Path, log: Path, folder: Path) -> Path:
    """Copy a file and its log so that they fit together, though they may change meanwhile.

    Pages go from the log to the file and are in both until the log is begun anew. So a file that
    was copied before its log is completed by it, unless the log has another beginning by then.
    """
    copy = folder / "journal"
    try:
        for _ in range(ATTEMPTS):
            before = _beginning(log)
            shutil.copyfile(path, copy)
            if not before:
                # It was closed at this moment, or is about to have a log.
                return copy
            shutil.copyfile(log, folder / "journal-wal")
            if _beginning(folder / "journal-wal") == before == _beginning(log):
                return copy
    except FileNotFoundError:
        return _copied(path, log, folder)
    except OSError as error:
        raise JournalError(f"{path} must be copied to be read, could not: {error}") from error
    raise JournalError(f"{path} must be written less fast to be read meanwhile; try again")


def _beginning(log: Path) -> bytes:
    """Return the header of a log, which changes when it is begun anew."""
    with log.open("rb") as file:
        return file.read(32)


def _check_is_database(path: Path) -> None:
    """Raise JournalError where the file at `path` is no SQLite database."""
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError as error:
        raise JournalError(f"{path} must be a journal, does not exist") from error
    except OSError as error:
        raise JournalError(f"{path} must be a readable journal: {error.strerror}") from error
    if not start:
        raise JournalError(f"{path} must be a journal, was empty; delete it to begin one there")
    if start != _MAGIC:
        raise JournalError(f"{path} must be a journal, was no SQLite database")


def _read_header(path: Path, connection: sqlite3.Connection) -> tuple[bytes, int]:
    """Return the header's bytes and its checksum, with which the chain begins."""
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
        if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise JournalError(f"{path} must be a journal, was an empty database; delete it")
        if application != APPLICATION:
            raise JournalError(f"{path} must be a journal, was another program's database")
        if schema != SCHEMA:
            raise JournalError(
                f"{path} must have schema {SCHEMA}, was {schema}: "
                "read it with the version of order-lifecycle that wrote it"
            )
        row = connection.execute("SELECT body, crc FROM header").fetchone()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise JournalError(f"{path} must have a header, it cannot be read: {error}") from error
    if row is None:
        raise JournalError(f"{path} must have a header, has none")
    body, crc = row
    if not isinstance(body, bytes) or crc != zlib.crc32(body):
        raise JournalError(f"{path} must have a whole header, its checksum does not fit")
    return body, crc


def _closed(connection: sqlite3.Connection) -> int | None:
    """Return with how many records the journal was closed; None where it was not."""
    found = connection.execute("SELECT closed FROM header").fetchone()
    if found is None or not isinstance(found[0], int | None):
        raise sqlite3.DatabaseError("the header is damaged")
    return found[0]
