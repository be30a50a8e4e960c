"""Reading a journal: a finished one, one whose process died, a damaged one, one being written.

Nothing is changed by reading, and a writer does not notice it: where there is a log beside the
file, both are copied, and the copy is read. It is as the journal was when reading began. A process
that writes a journal should not also read it so: on POSIX, to close a file that one has open twice
gives up its locks. `SqliteJournal.resume` reads through the writer.

The newest records are read from the tail file, as long as they are in no other. Every row is held
against the chain of checksums from the header on, so that a record that was altered, moved, added
or lost is found; the count of a closed journal, or the tail file of one that was not closed, tells
whether the end is missing. Where SQLite itself stumbles, that is damage like any other: what was
read before is used.
"""

import shutil
import sqlite3
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeVar
from urllib.parse import quote

from msgspec import MsgspecError

from lifecycle.journal.base import SCHEMA, Damage, Header, JournalError
from lifecycle.journal.encoding import PortfolioDecoder, RecordDecoder, decode_header
from lifecycle.journal.tail import Row, chained, read_tail, tail_path
from spec.trace import Record

APPLICATION: Final = 0x4F4C4331
"""SQLite's application_id of a journal."""
BATCH: Final = 256
"""Rows read at a time."""
ATTEMPTS: Final = 100
"""To copy a journal between two beginnings of its log. At the speed of a real run they are minutes
apart; a writer that does nothing else may be too fast for a large file."""

MAGIC: Final = b"SQLite format 3\x00"
"""What a journal's file begins with."""
_T = TypeVar("_T")


def read_journal(path: str | Path) -> "FileRecording":
    """Open the journal at `path` for reading.

    Raises JournalError where nothing of it can be used: it is no journal, its schema is newer than
    this code, or its header is damaged.
    """
    return FileRecording(Path(path))


class Stumble(Exception):  # noqa: N818 - nobody's fault: what was read before is used.
    """Reading cannot go on, for a reason of the file or the database that is read."""


class Recording(ABC):
    """What a journal holds, as far as it is whole; where it lies, the kinds of it know."""

    def __init__(self, source: object, name: str, header: bytes) -> None:
        """Take over a header as it is stored.

        `source` is what an error calls the journal, `name` what a report does. Raises JournalError
        where the header is none that this version can read.
        """
        self.source = source
        self.name = name
        self.header_body = header
        self.first = zlib.crc32(header)
        """The header's checksum, with which the chain begins."""
        self.damage: Damage | None = None
        """Known once all has been read; None where nothing is wrong, or before."""
        try:
            self.header: Header = decode_header(header)
        except (MsgspecError, ValueError) as error:
            raise JournalError(f"{source} must have a header of this version, {error}") from error

    def records(self) -> Iterator[Record]:
        """Read the records from the first on, each when it is asked for.

        Ends before what is damaged, which `damage` then describes. Raises JournalError where a
        record is whole and still not one that this version can read, and for the journal of a
        portfolio.
        """
        portfolio = self.header.portfolio
        if portfolio:
            raise JournalError(
                f"{self.source} must be the journal of one instrument, is of a portfolio of "
                f"{len(portfolio)}: `lifecycle audit`, `explain` and `replay` read that"
            )
        yield from self._decoded(RecordDecoder().decode)

    def told(self) -> Iterator[tuple[str, Record]]:
        """Read the records of a portfolio's journal, each with the symbol of its instrument.

        As `records` otherwise.
        """
        portfolio = self.header.portfolio
        for number, record in self._decoded(PortfolioDecoder(len(portfolio)).decode):
            yield portfolio[number].symbol, record

    def _decoded(self, decode: Callable[[bytes], _T]) -> Iterator[_T]:
        for seq, _, body in self.rows():
            try:
                record = decode(body)
            except (MsgspecError, ValueError, IndexError) as error:
                raise JournalError(
                    f"{self.source} must have been written by this version ({self.header.version} "
                    f"wrote it), record {seq} cannot be read: {error}"
                ) from error
            yield record

    def rows(self) -> Iterator[Row]:
        """Read the rows from the first on as they are stored, held against their checksums."""
        count, last = 0, self.first
        try:
            for seq, crc, body in self._stored():
                wrong = _wrong(count, last, seq, crc, body)
                if wrong is not None:
                    self._damaged(count, wrong)
                    return
                yield seq, crc, body
                count, last = count + 1, crc
        except Stumble as error:
            self._damaged(count, str(error))
            return
        missing = self._missing(count)
        if missing is not None:
            self._damaged(count, missing)

    @abstractmethod
    def _stored(self) -> Iterator[Row]:
        """Read the rows as they are, right or wrong; raises Stumble where reading ends early."""

    @abstractmethod
    def _missing(self, count: int) -> str | None:
        """Say what tells that there were more than the `count` rows that are here."""

    def _damaged(self, record: int, what: str) -> None:
        self.damage = Damage(record, f"record {record} of {self.name}", what)


class FileRecording(Recording):
    """What a journal's file holds."""

    def __init__(
        self, path: Path, until: int | None = None, writer: sqlite3.Connection | None = None
    ) -> None:
        """Open the journal at `path`, and go no further than its first `until` records.

        `writer` is the connection of this process that writes it, if one does.
        """
        self.path = path
        self._until = until
        self.writer = writer
        """To be taken away when it is closed."""
        self.newest: list[Row] = []
        """Those that were in the tail file only, known once all has been read."""
        self._told: tuple[int | None, int | None] = None, None
        """How many records there are by the header, if closed, and by the tail file."""
        with self._opened() as connection:
            header = _read_header(path, connection)
        super().__init__(path, path.name, header)

    def _stored(self) -> Iterator[Row]:
        # Before the rows: what goes from there to the file meanwhile is read from the file.
        tail = read_tail(self.path)
        count, last = 0, self.first
        try:
            with ExitStack() as stack:
                connection, writer = stack.enter_context(self._opened()), self.writer
                while rows := self._batch(connection, count):
                    yield from rows
                    count, last = count + len(rows), rows[-1][1]
                    if writer is not self.writer:
                        connection, writer = stack.enter_context(self._opened()), self.writer
                self._told = _closed(connection), tail.count
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Stumble(str(error)) from error
        kept = tail.after(count, last)
        self.newest = [row for row in kept if self._until is None or row[0] < self._until]
        yield from self.newest

    def _opened(self) -> AbstractContextManager[sqlite3.Connection]:
        return opened(self.path) if self.writer is None else nullcontext(self.writer)

    def _batch(self, connection: sqlite3.Connection, start: int) -> list[Row]:
        limit = BATCH if self._until is None else min(BATCH, self._until - start)
        return connection.execute(
            "SELECT seq, crc, body FROM record WHERE seq >= ? ORDER BY seq LIMIT ?", (start, limit)
        ).fetchall()

    def _missing(self, count: int) -> str | None:
        if self._until is not None:
            return None
        (closed, known), tail = self._told, tail_path(self.path).name
        if closed is not None and closed != count:
            return f"closed with {closed} records, of which {count} are here"
        if known is not None and known > count:
            return f"{known} records were appended, as {tail} says"
        if closed is None and known is None:
            return f"it was not closed and {tail} cannot be read, so the end may be missing"
        return None


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
            start = file.read(len(MAGIC))
    except FileNotFoundError as error:
        raise JournalError(f"{path} must be a journal, does not exist") from error
    except OSError as error:
        raise JournalError(f"{path} must be a readable journal: {error.strerror}") from error
    if not start:
        raise JournalError(f"{path} must be a journal, was empty; delete it to begin one there")
    if start != MAGIC:
        raise JournalError(f"{path} must be a journal, was no SQLite database")


def _read_header(path: Path, connection: sqlite3.Connection) -> bytes:
    """Return the header's bytes, held against their checksum."""
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
    return body


def _closed(connection: sqlite3.Connection) -> int | None:
    """Return with how many records the journal was closed; None where it was not."""
    found = connection.execute("SELECT closed FROM header").fetchone()
    if found is None or not isinstance(found[0], int | None):
        raise sqlite3.DatabaseError("the header is damaged")
    return found[0]
