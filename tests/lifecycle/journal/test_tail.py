"""The newest records: kept in the tail file, moved to the file many at once, lost by no kill."""

import os
import random
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

from lifecycle.journal import JournalError, SqliteJournal, read_journal
from lifecycle.journal.tail import SIZE, read_tail, tail_path
from spec.trace import Record
from tests.lifecycle.journal.fleets import append_all
from tests.lifecycle.journal.runs import a_run, header_of

KILLS: Final = 8
WORLD: Final = a_run(60)
TRACE: Final = WORLD.trace
MANY: Final = TRACE * 20
HEADER: Final = header_of(WORLD)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.journal"


def filled(path: Path, records: list[Record]) -> SqliteJournal:
    journal = SqliteJournal.create(path, HEADER)
    append_all(journal, records)
    return journal


def in_file(journal: SqliteJournal) -> int:
    """Return how many records SQLite has."""
    found: int = journal._connection.execute("SELECT count(*) FROM record").fetchone()[0]
    return found


def left_behind(path: Path, records: list[Record], aside: Path) -> Path:
    """Return a copy of what a killed process leaves that has appended these."""
    journal = filled(path, records)
    for what in ("", "-wal", "-tail"):
        source = path.with_name(path.name + what)
        if source.exists():
            aside.with_name(aside.name + what).write_bytes(source.read_bytes())
    journal.close()
    return aside


def test_records_go_to_the_file_when_there_is_no_room_for_another(path: Path) -> None:
    journal = filled(path, MANY)
    moved = in_file(journal)

    during = read_journal(path)
    read = list(during.records())
    kept = list(read_tail(path).after(moved, journal.crc_at(moved) or 0))
    journal.close()

    assert 0 < moved < len(MANY)
    assert [row[0] for row in kept] == list(range(moved, len(MANY)))
    assert read == list(read_journal(path).records()) == MANY
    assert during.damage is None


def test_where_each_record_waits_for_the_disk_none_is_kept_back(path: Path) -> None:
    journal = SqliteJournal.create(path, HEADER, synchronous="FULL")

    for number, record in enumerate(TRACE, start=1):
        journal.append(record)
        assert in_file(journal) == number

    journal.close()


def test_a_record_larger_than_the_tail_file_is_taken(path: Path) -> None:
    journal = filled(path, TRACE)
    encode = journal._encode
    journal._encode = lambda record: encode(record) + bytes(2 * SIZE)

    journal.append(TRACE[0])

    assert in_file(journal) == journal.count == len(TRACE) + 1
    journal.close()


def test_what_a_killed_process_left_is_in_the_file_when_it_is_resumed(
    path: Path, tmp_path: Path
) -> None:
    killed = left_behind(path, TRACE, tmp_path / "killed.journal")

    journal, recording = SqliteJournal.resume(killed)

    assert recording.damage is None
    assert list(recording.records()) == TRACE
    assert in_file(journal) == len(TRACE)
    assert list(read_tail(killed).after(0, recording.first)) == []
    journal.close()


def test_a_record_that_was_being_written_does_not_count(path: Path, tmp_path: Path) -> None:
    killed = left_behind(path, TRACE, tmp_path / "killed.journal")
    tail = tail_path(killed)
    whole = tail.read_bytes()
    rows = list(read_tail(killed).after(0, read_journal(killed).first))
    at = 16 + sum(16 + len(body) for _, _, body in rows)
    begun = struct.pack("<QII", len(TRACE), 12345, 100) + b"half of it"
    tail.write_bytes(whole[:at] + begun + whole[at + len(begun) :])

    recording = read_journal(killed)
    read = list(recording.records())

    assert read == TRACE
    assert recording.damage is None


def test_a_kept_record_that_was_altered_is_found(path: Path, tmp_path: Path) -> None:
    killed = left_behind(path, TRACE, tmp_path / "killed.journal")
    tail = tail_path(killed)
    content = bytearray(tail.read_bytes())
    content[16 + 16 + 3] ^= 1
    tail.write_bytes(content)

    recording = read_journal(killed)
    read = list(recording.records())

    assert read == []
    assert recording.damage is not None
    assert recording.damage.what == "60 records were appended, as killed.journal-tail says"


def test_a_tail_file_of_an_older_version_says_how_many_there_were(path: Path) -> None:
    journal = filled(path, TRACE)
    journal._commit()
    content = tail_path(path).read_bytes()[:16]
    aside = path.with_name("old.journal")
    for what in ("", "-wal"):
        source = path.with_name(path.name + what)
        aside.with_name(aside.name + what).write_bytes(source.read_bytes())
    tail_path(aside).write_bytes(content)
    journal.close()

    resumed, recording = SqliteJournal.resume(aside)

    assert list(recording.records()) == TRACE
    assert recording.damage is None
    resumed.close()


def test_a_journal_is_whole_whenever_it_is_read_while_it_is_written(path: Path) -> None:
    journal = SqliteJournal.create(path, HEADER)
    begun = threading.Event()

    def write() -> None:
        for record in MANY * 3:
            journal.append(record)
            begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait()
    lengths: list[int] = []
    while writer.is_alive() or not lengths:
        before = journal.count
        recording = read_journal(path)
        read = [seq for seq, _, _ in recording.rows()]
        assert recording.damage is None
        assert before <= len(read)
        lengths.append(len(read))
    writer.join()
    journal.close()

    assert lengths == sorted(lengths)


def test_another_thread_reads_all_that_was_appended_and_nothing_else(path: Path) -> None:
    journal = SqliteJournal.create(path, HEADER)
    done = threading.Event()
    wrong: list[str] = []

    def read() -> None:
        start = 0
        while not (done.is_set() and start == journal.count):
            rows = journal.rows(start, 50)
            numbers = [seq for seq, _, _ in rows]
            if numbers != list(range(start, start + len(rows))):
                wrong.append(f"{numbers} after {start}")
            start += len(rows)

    reader = threading.Thread(target=read)
    reader.start()
    for record in MANY:
        journal.append(record)
    done.set()
    reader.join()
    journal.close()

    assert wrong == []


class Overtaken:
    """A connection through which nothing is read before the journal has moved its records."""

    def __init__(self, journal: SqliteJournal) -> None:
        self.journal = journal
        self.real = journal._connection

    def execute(self, *args: Any) -> sqlite3.Cursor:
        """Read, and have what was pending moved only then."""
        found = self.real.execute(*args)
        self.journal._connection = self.real
        self.journal._commit()
        return found


def test_a_record_that_is_on_its_way_to_the_file_is_read_all_the_same(path: Path) -> None:
    journal = filled(path, TRACE)
    journal._connection = Overtaken(journal)  # type: ignore[assignment]

    rows = journal.rows(5, 2)

    assert [seq for seq, _, _ in rows] == [5, 6]
    assert in_file(journal) == len(TRACE)
    journal.close()


class Refusing:
    """A connection that takes records, is asked what there is, and then takes none after all."""

    in_transaction = False

    def __init__(self, journal: SqliteJournal) -> None:
        self.journal = journal
        self.real = journal._connection
        self.execute = self.real.execute
        self.seen: list[int] = []

    def executemany(self, statement: str, rows: list[Any]) -> None:
        """Take them, be read from by somebody, and fail."""
        self.journal._connection = self.real
        self.real.executemany(statement, rows)
        self.seen = [seq for seq, _, _ in self.journal.rows(0, 10 * len(MANY))]
        self.real.rollback()
        raise sqlite3.OperationalError("database or disk is full")


def test_a_record_that_is_not_taken_after_all_was_never_there(path: Path) -> None:
    journal = filled(path, TRACE)
    refusing = Refusing(journal)
    journal._connection = refusing  # type: ignore[assignment]

    with pytest.raises(JournalError, match="must take record"):
        append_all(journal, MANY)

    assert refusing.seen == list(range(journal.count))
    journal.close()


WRITER: Final = """
import os, sys
from lifecycle.journal import SqliteJournal
from tests.lifecycle.journal.test_tail import HEADER, TRACE
from pathlib import Path
path = Path(sys.argv[1])
if path.exists():
    journal, _ = SqliteJournal.resume(path)
else:
    journal = SqliteJournal.create(path, HEADER)
while True:
    journal.append(TRACE[journal.count % len(TRACE)])
    os.write(1, journal.count.to_bytes(8, "little"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_no_kill_at_any_moment_loses_what_append_has_returned_from(path: Path) -> None:
    draw = random.Random(1)
    total = 0

    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None, "it is piped"
        said = process.stdout.read(8 * draw.randint(1, 3000))
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read()
        process.wait()
        process.stdout.close()
        whole = len(said) // 8 * 8
        appended = int.from_bytes(said[whole - 8 : whole], "little")

        recording = read_journal(path)
        read = list(recording.records())

        assert recording.damage is None
        assert appended <= len(read) <= appended + 1
        assert all(one == TRACE[n % len(TRACE)] for n, one in zip(count(), read))
        total = len(read)

    assert total > len(MANY)
