"""A journal file: begun once, kept to one run, resumed by the next; errors say what to do."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from exchange.reports import Rejected
from lifecycle.journal import (
    Header,
    Journal,
    JournalError,
    MemoryJournal,
    SqliteJournal,
    read_journal,
)
from lifecycle.journal import sqlite as journal_file
from lifecycle.journal.sqlite import LOOK_EACH
from spec.trace import Reaction, Record, Reported
from tests.lifecycle.journal.runs import a_run, header_of, replayed, state

WORLD = a_run(60)
HEADER = header_of(WORLD)
TRACE = WORLD.trace
MANY = TRACE * 20
"""More than the tail file has room for."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.journal"


def filled(path: Path, records: list[Record]) -> SqliteJournal:
    journal = SqliteJournal.create(path, HEADER)
    append_all(journal, records)
    return journal


def append_all(journal: SqliteJournal, records: list[Record]) -> None:
    for record in records:
        journal.append(record)


def files(path: Path) -> list[str]:
    return sorted(each.name for each in path.parent.iterdir())


def test_all_that_was_appended_is_there_while_it_is_written_and_after(path: Path) -> None:
    journal = filled(path, TRACE)

    during = read_journal(path)
    read = list(during.records())
    journal.close()
    after = read_journal(path)

    assert read == list(after.records()) == TRACE
    assert during.damage is after.damage is None
    assert during.header == after.header == HEADER


def test_a_closed_journal_is_one_file(path: Path) -> None:
    journal = filled(path, TRACE)
    journal._commit()
    during = files(path)

    journal.close()

    assert during == [path.name + what for what in ("", "-tail", "-wal")]
    assert files(path) == [path.name]


def test_closing_again_does_nothing_and_appending_then_is_an_error(path: Path) -> None:
    journal = filled(path, TRACE)
    journal.close()
    journal.close()

    with pytest.raises(JournalError, match=r"^the journal must be open"):
        journal.append(TRACE[0])


def test_what_is_appended_after_reading_has_begun_is_left_for_the_next_reading(path: Path) -> None:
    journal = filled(path, TRACE[:20])
    reading = read_journal(path)
    records = reading.records()
    read = [next(records) for _ in range(10)]

    for record in TRACE[20:]:
        journal.append(record)
    read += list(records)
    journal.close()

    assert read == TRACE[:20]
    assert reading.damage is None


def test_a_log_that_is_begun_anew_while_it_is_read_does_no_harm(path: Path) -> None:
    journal = filled(path, TRACE[:20])
    journal._commit()
    journal._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    reading = read_journal(path)

    for record in TRACE[20:]:
        journal.append(record)
    read = list(reading.records())
    journal.close()

    assert read == TRACE
    assert reading.damage is None


def test_what_was_there_can_be_read_while_the_resumed_journal_goes_on_and_after(path: Path) -> None:
    filled(path, TRACE[:40]).close()
    journal, recording = SqliteJournal.resume(path)
    records = recording.records()
    read = [next(records) for _ in range(10)]

    journal.append(TRACE[40])
    read += [next(records) for _ in range(10)]
    journal.close()
    read += list(records)

    assert read == list(recording.records()) == TRACE[:40]
    assert recording.damage is None


def test_a_resumed_journal_goes_on_where_it_ended(path: Path) -> None:
    filled(path, TRACE[:25]).close()

    journal, recording = SqliteJournal.resume(path)
    for record in TRACE[25:]:
        journal.append(record)
    before = list(recording.records())
    journal.close()

    assert before == TRACE[:25]
    assert recording.damage is None
    assert journal.header == HEADER
    assert list(read_journal(path).records()) == TRACE


def test_a_journal_is_begun_only_where_there_is_nothing(path: Path) -> None:
    filled(path, TRACE).close()

    with pytest.raises(JournalError, match=r"run\.journal must not exist .*, did; resume it, or"):
        SqliteJournal.create(path, HEADER)

    assert list(read_journal(path).records()) == TRACE
    assert files(path) == [path.name]


def test_a_log_without_its_journal_is_not_taken_over(path: Path) -> None:
    path.with_name("run.journal-wal").write_bytes(b"x")

    with pytest.raises(JournalError, match=r"but run\.journal-wal did; move it away"):
        SqliteJournal.create(path, HEADER)


def test_two_runs_never_share_a_file(path: Path) -> None:
    journal = filled(path, TRACE)

    with pytest.raises(JournalError, match=r"run\.journal must belong to one run at a time, was"):
        SqliteJournal.resume(path)

    journal.close()
    again, _ = SqliteJournal.resume(path)
    again.close()


WRITER = """
import sys
from lifecycle.journal import SqliteJournal
from tests.lifecycle.journal.runs import a_run, header_of
world = a_run(60)
journal = SqliteJournal.create(sys.argv[1], header_of(world))
for record in world.trace:
    journal.append(record)
sys.stdout.write("written")
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def writer(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a process that has written a journal, and holds it."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    with process:
        assert process.stdout is not None, "it is piped"
        assert process.stdout.read(7) == b"written"
        yield process
        process.kill()


def test_another_process_reads_and_cannot_write(
    path: Path, writer: "subprocess.Popen[bytes]"
) -> None:
    with pytest.raises(JournalError, match="was in use by another one; stop that one, or"):
        SqliteJournal.resume(path)

    recording = read_journal(path)
    assert list(recording.records()) == TRACE
    assert recording.damage is None
    assert writer.poll() is None


def test_nobody_else_opens_it_meanwhile_even_to_read(
    path: Path, writer: "subprocess.Popen[bytes]"
) -> None:
    other = sqlite3.connect(path, timeout=0)

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("SELECT count(*) FROM record")

    other.close()
    assert writer.poll() is None


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_loses_nothing_and_leaves_no_lock(
    path: Path, writer: "subprocess.Popen[bytes]"
) -> None:
    writer.send_signal(signal.SIGKILL)
    writer.wait()

    journal, recording = SqliteJournal.resume(path)
    records = list(recording.records())
    journal.close()

    assert recording.damage is None
    assert records == TRACE
    assert state(replayed(recording.header, records)) == state(WORLD.manager.manager)


@pytest.mark.parametrize("synchronous", ["NORMAL", "FULL"])
def test_a_full_disk_is_an_error_before_anything_is_sent_and_nothing_follows(
    path: Path, synchronous: journal_file.Synchronous
) -> None:
    journal = SqliteJournal.create(path, HEADER, synchronous=synchronous)
    append_all(journal, TRACE[:10])
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(JournalError, match=r"run\.journal must take record \d+, did not: .*full"):
        append_all(journal, MANY)
    written = journal.count
    journal._connection.execute("PRAGMA max_page_count = 1000000")

    with pytest.raises(JournalError, match=r"nothing more is written to it: stop, make room"):
        journal.append(TRACE[0])
    journal.close()
    resumed, recording = SqliteJournal.resume(path)

    assert list(recording.records()) == [*TRACE[:10], *MANY][:written]
    assert recording.damage is None
    resumed.close()


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open keeps its name there")
@pytest.mark.parametrize("what", ["run.journal", "run.journal-tail"])
def test_a_journal_that_is_no_longer_there_takes_no_more(path: Path, what: str) -> None:
    journal = filled(path, TRACE[:20])
    (path.parent / what).rename(path.parent / "elsewhere")

    late = [structs.replace(record, now=TRACE[19].now + LOOK_EACH) for record in TRACE[20:22]]
    with pytest.raises(JournalError, match="must stay where it is while it is written"):
        append_all(journal, late)
    with pytest.raises(JournalError, match="must stay where it is"):
        journal.append(late[0])
    journal.close()

    if what == "run.journal":
        path.with_name("elsewhere").rename(path)
    assert list(read_journal(path).records()) == TRACE[:20]


def test_a_journal_is_found_whatever_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    journal = SqliteJournal.create("run.journal", HEADER)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")

    append_all(journal, TRACE)
    journal.close()

    assert files(tmp_path / "run.journal") == ["elsewhere", "run.journal"]
    assert list(read_journal(tmp_path / "run.journal").records()) == TRACE


@pytest.mark.parametrize("name", ["\ud800", "a"])
def test_a_record_that_cannot_be_written_is_the_last_that_is_tried(path: Path, name: str) -> None:
    journal = SqliteJournal.create(path, HEADER)
    append_all(journal, TRACE[:10])
    number = 1 << 70 if name == "a" else 1

    with pytest.raises(JournalError, match=r"run\.journal must take record 10, which no file can"):
        journal.append(Reported(number, Rejected(number, name, "why"), Reaction()))
    with pytest.raises(JournalError, match="nothing more is written to it"):
        journal.append(TRACE[10])
    journal.close()
    resumed, recording = SqliteJournal.resume(path)

    assert list(recording.records()) == TRACE[:10]
    resumed.close()


def test_a_repair_that_was_cut_short_is_finished(path: Path, tmp_path: Path) -> None:
    filled(path, TRACE[:30]).close()
    path.rename(tmp_path / "run.journal-rebuilt")
    filled(path, TRACE).close()
    path.with_name("run.journal-wal").write_bytes(b"the log of the damaged one")

    journal, recording = SqliteJournal.resume(path)
    read = list(recording.records())
    journal.close()

    assert read == TRACE[:30]
    assert files(path) == [path.name]


def test_a_repair_that_had_only_begun_is_forgotten(path: Path, tmp_path: Path) -> None:
    filled(path, TRACE).close()
    (tmp_path / "run.journal-rebuilt").write_bytes(b"SQLite format 3")

    journal, recording = SqliteJournal.resume(path)
    read = list(recording.records())
    journal.close()

    assert read == TRACE
    assert files(path) == [path.name]


def test_what_is_no_journal_is_said_to_be_none(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE record (seq, crc, body)")
    connection.close()
    path.write_bytes(b"")
    text = tmp_path / "text"
    text.write_text("order,placed,filled\n" * 100)

    for file, what in (
        (folder, "must be a readable journal: Is a directory"),
        (other, "must be a journal, was another program's database"),
        (path, "must be a journal, was empty; delete it to begin one there"),
        (text, "must be a journal, was no SQLite database"),
        (tmp_path / "absent", "must be a journal, does not exist"),
    ):
        with pytest.raises(JournalError) as read:
            read_journal(file)
        with pytest.raises(JournalError) as resumed:
            SqliteJournal.resume(file)
        assert str(read.value) == str(resumed.value) == f"{file} {what}"
    assert files(path) == ["folder", "other.sqlite", "run.journal", "text"]


def test_an_end_that_is_missing_is_not_hidden_by_resuming(path: Path, tmp_path: Path) -> None:
    journal = filled(path, TRACE)
    copy = tmp_path / "copy.journal"
    shutil.copyfile(path, copy)
    journal.close()

    resumed, recording = SqliteJournal.resume(copy)
    resumed.close()

    assert recording.damage is not None
    assert "it was not closed and copy.journal-tail cannot be read" in recording.damage.what


def test_a_newer_schema_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = [text.replace("user_version = 1", "user_version = 2") for text in journal_file._SCHEMA]
    monkeypatch.setattr(journal_file, "_SCHEMA", newer)
    filled(path, TRACE).close()

    with pytest.raises(JournalError, match=r"must have schema 1, was 2: read it with the version"):
        read_journal(path)


def test_what_a_kill_left_of_a_beginning_is_in_nobodys_way(path: Path) -> None:
    path.with_name("run.journal-new").write_bytes(b"SQLite format 3")
    path.with_name("run.journal-tail").write_bytes(b"")

    journal = filled(path, TRACE)
    journal.close()

    assert list(read_journal(path).records()) == TRACE
    assert files(path) == [path.name]


def test_a_journal_has_its_name_only_when_it_can_be_resumed(path: Path) -> None:
    with journal_file._made(path, b"header"):
        before = files(path)

    assert path.name not in before
    assert files(path) == [path.name]


def test_a_folder_that_is_absent_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"must be in a folder that can be written to, was not"):
        SqliteJournal.create(tmp_path / "absent" / "run.journal", HEADER)


def test_a_setting_that_is_none_is_an_error(path: Path) -> None:
    with pytest.raises(JournalError, match=r"^synchronous must be one of OFF, NORMAL, FULL, EXTRA"):
        SqliteJournal.create(path, HEADER, synchronous="fast")  # type: ignore[arg-type]

    assert files(path) == []


@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL", "FULL", "EXTRA"])
def test_the_setting_is_sqlites(path: Path, synchronous: journal_file.Synchronous) -> None:
    journal = SqliteJournal.create(path, HEADER, synchronous=synchronous)

    found = journal._connection.execute("PRAGMA synchronous").fetchone()[0]

    assert ["OFF", "NORMAL", "FULL", "EXTRA"][found] == synchronous
    journal.close()


def test_a_journal_in_memory_is_a_journal() -> None:
    memory = MemoryJournal(HEADER)
    journal: Journal = memory

    journal.append(TRACE[0])
    journal.close()

    assert memory.records == TRACE[:1]
    with pytest.raises(JournalError, match="must be open"):
        journal.append(TRACE[1])


def test_a_header_says_when_and_by_which_version() -> None:
    header = Header.of_now("s", HEADER.instrument, HEADER.capabilities, HEADER.config)

    assert header.created.endswith("+00:00")
    assert header.version
