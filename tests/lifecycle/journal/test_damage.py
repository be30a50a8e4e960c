"""A thousand damaged journals: each says what is wrong, or is right as far as it goes.

One journal is written, once closed and once as a killed process leaves it; each case is a copy of
one of them, damaged in one of many ways. Whatever is read must be what was written, from the
start, and what is missing must be said to be.
"""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from lifecycle.journal import JournalError, SqliteJournal, read_journal
from spec.trace import Record
from tests.lifecycle.journal.runs import a_run, header_of

RECORDS: Final = 90
CASES: Final = 1_000
PAGE: Final = 4096
WAL_HEADER: Final = 32
FRAME: Final = 24 + PAGE
BESIDE: Final = ("", "-wal", "-tail")


def beside(path: Path, what: str) -> Path:
    return path.with_name(path.name + what)


def copy(source: Path, target: Path) -> None:
    """Copy a journal with what lies beside it, as it is at this moment."""
    for what in BESIDE:
        if beside(source, what).exists():
            shutil.copyfile(beside(source, what), beside(target, what))


def fold(journal: SqliteJournal) -> None:
    """Have all that was appended so far in the file itself."""
    journal._commit()
    journal._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Record]]:
    """Return a closed journal, four of killed processes, and what is in each of them."""
    folder = tmp_path_factory.mktemp("written")
    world = a_run(RECORDS)
    path = folder / "run.journal"
    journal = SqliteJournal.create(path, header_of(world))
    for number, record in enumerate(world.trace):
        if number in (RECORDS // 4, RECORDS // 2):
            fold(journal)
        if number == 3 * RECORDS // 4:
            journal._commit()
        journal.append(record)
    copy(path, folder / "killed.journal")
    fold(journal)
    copy(path, folder / "folded.journal")
    journal.close()
    fresh = SqliteJournal.create(folder / "fresh.journal", header_of(world))
    for record in world.trace:
        fresh.append(record)
    copy(folder / "fresh.journal", folder / "tail.journal")
    fresh._commit()
    copy(folder / "fresh.journal", folder / "log.journal")
    fresh.close()
    names = ("run", "killed", "folded", "log", "tail")
    return [folder / f"{name}.journal" for name in names], list(world.trace)


# The ways of damage: each changes the copy at a path.


def change(file: Path, edit: Callable[[bytearray], None]) -> None:
    content = bytearray(file.read_bytes())
    edit(content)
    file.write_bytes(content)


def some_file(path: Path, draw: random.Random) -> Path:
    """Choose the file, its log or its tail."""
    files = [beside(path, what) for what in BESIDE if beside(path, what).exists()]
    return draw.choice([file for file in files if file.stat().st_size] or [path])


def truncated(path: Path, draw: random.Random) -> None:
    file = some_file(path, draw)
    change(file, lambda content: content.__delitem__(slice(draw.randrange(len(content)), None)))


def truncated_to_a_page(path: Path, draw: random.Random) -> None:
    file = some_file(path, draw)
    unit, start = (PAGE, 0) if file == path else (FRAME, WAL_HEADER)
    units = (file.stat().st_size - start) // unit
    change(file, lambda c: c.__delitem__(slice(start + unit * draw.randrange(units), None)))


def flipped(path: Path, draw: random.Random) -> None:
    def edit(content: bytearray) -> None:
        for _ in range(draw.choice((1, 1, 1, 2, 20))):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)

    change(some_file(path, draw), edit)


def flipped_near_the_start(path: Path, draw: random.Random) -> None:
    def edit(content: bytearray) -> None:
        content[draw.randrange(min(len(content), 600))] ^= 1 << draw.randrange(8)

    change(some_file(path, draw), edit)


def overwritten(path: Path, draw: random.Random) -> None:
    def edit(content: bytearray) -> None:
        start = draw.randrange(len(content))
        length = min(draw.choice((1, 16, 512, PAGE)), len(content) - start)
        content[start : start + length] = draw.choice((bytes(length), draw.randbytes(length)))

    change(some_file(path, draw), edit)


def reordered(path: Path, draw: random.Random) -> None:
    """Swap two pages, or copy one over another."""
    file = some_file(path, draw)
    unit, start = (PAGE, 0) if file == path else (FRAME, WAL_HEADER)

    def edit(content: bytearray) -> None:
        units = (len(content) - start) // unit
        a, b = (start + unit * draw.randrange(units) for _ in range(2))
        one, other = content[a : a + unit], content[b : b + unit]
        content[b : b + unit] = one
        if draw.random() < 0.7:
            content[a : a + unit] = other

    change(file, edit)


def without_its_log(path: Path, _: random.Random) -> None:
    beside(path, "-wal").unlink(missing_ok=True)


def without_its_tail(path: Path, _: random.Random) -> None:
    beside(path, "-tail").unlink(missing_ok=True)


def with_a_wrong_tail(path: Path, draw: random.Random) -> None:
    beside(path, "-tail").write_bytes(draw.randbytes(draw.choice((0, 7, 16, 40))))


def of_another_version(path: Path, draw: random.Random) -> None:
    execute(path, f"PRAGMA user_version = {draw.choice((0, 2, 3, 7, 1 << 20))}")


def of_another_program(path: Path, draw: random.Random) -> None:
    execute(path, f"PRAGMA application_id = {draw.randrange(1 << 30)}")


EDITS: Final = (
    "DELETE FROM record WHERE seq = :n",
    "DELETE FROM record WHERE seq >= :n",
    "DELETE FROM record WHERE seq BETWEEN min(:n, :m) AND max(:n, :m)",
    "UPDATE record SET crc = crc + 1 WHERE seq = :n",
    "UPDATE record SET body = (SELECT body FROM record WHERE seq = :m) WHERE seq = :n",
    """UPDATE record SET (crc, body) = (SELECT crc, body FROM record WHERE seq = :m)
       WHERE seq = :n""",
    "UPDATE record SET seq = seq + 1000 WHERE seq >= :n",
    "UPDATE record SET body = CAST(body AS TEXT) WHERE seq = :n",
    "INSERT INTO record SELECT (SELECT count(*) FROM record), crc, body FROM record LIMIT 1",
    "UPDATE header SET closed = :n",
    "UPDATE header SET crc = crc + 1",
    "UPDATE header SET body = 'x'",
    "DELETE FROM header",
    "DELETE FROM record",
    "DROP TABLE record",
    "ALTER TABLE record RENAME COLUMN body TO text",
)
"""What only somebody with a database client does."""


def edited(path: Path, draw: random.Random) -> None:
    there = execute(path, "SELECT count(*) FROM record")
    n, m = draw.sample(range(max(2, there)), 2)
    execute(path, draw.choice(EDITS), {"n": n, "m": m})


def replaced(path: Path, draw: random.Random) -> None:
    """Put something else there."""
    path.write_bytes(draw.choice((b"", b"x", draw.randbytes(9_000), b"SQLite format 3\x00")))


def execute(path: Path, statement: str, values: dict[str, int] | None = None) -> int:
    """Execute a statement, and return the one number that it asks for, if it does."""
    connection = sqlite3.connect(path, isolation_level=None)
    found: tuple[int] | None = connection.execute(statement, values or {}).fetchone()
    connection.close()
    return 0 if found is None else found[0]


WAYS: Final = (
    truncated, truncated_to_a_page, flipped, flipped, flipped_near_the_start, overwritten,
    reordered, without_its_log, without_its_tail, with_a_wrong_tail, of_another_version,
    of_another_program, edited, edited, replaced,
)  # fmt: skip


def check(path: Path, truth: list[Record]) -> str:
    """Read a journal; returns what came of it, having seen that it is right."""
    try:
        recording = read_journal(path)
        read = list(recording.records())
    except JournalError as error:
        said(str(error), path)
        return "refused"
    assert read == truth[: len(read)], "what is read must be what was written"
    damage = recording.damage
    if damage is None:
        assert len(read) == len(truth), "what is missing must be said to be"
        return "whole"
    assert damage.record == len(read)
    assert str(damage).startswith(f"damaged at record {len(read)} of {path.name}")
    assert "\n" not in str(damage)
    return "damaged"


def said(message: str, path: Path) -> None:
    assert str(path) in message
    assert "\n" not in message


def test_a_thousand_damaged_journals_are_read_as_far_as_they_are_right(
    written: tuple[list[Path], list[Record]], tmp_path: Path
) -> None:
    sources, truth = written
    found = {"refused": 0, "damaged": 0, "whole": 0}

    for seed in range(CASES):
        draw = random.Random(seed)
        path = tmp_path / f"{seed}.journal"
        copy(draw.choice(sources), path)
        way = draw.choice(WAYS)
        way(path, draw)
        found[check(path, truth)] += 1
        for file in tmp_path.glob(f"{seed}.journal*"):
            file.unlink()

    assert min(found.values()) > CASES // 50, found


def test_a_resumed_journal_is_whole_and_the_damaged_one_is_kept(
    written: tuple[list[Path], list[Record]], tmp_path: Path
) -> None:
    sources, truth = written
    kept = 0

    for seed in range(CASES // 10):
        draw = random.Random(seed)
        path = tmp_path / f"{seed}.journal"
        copy(draw.choice(sources), path)
        way = draw.choice(WAYS)
        way(path, draw)
        before = {what: content(beside(path, what)) for what in BESIDE}
        try:
            journal, recording = SqliteJournal.resume(path)
        except JournalError as error:
            said(str(error), path)
            assert content(path) == before[""]
            continue
        whole = list(recording.records())
        assert whole == truth[: len(whole)]
        if recording.damage is not None:
            aside = path.with_name(f"{path.name}.damaged-1")
            assert aside.exists(), (seed, way, recording.damage)
            assert {what: content(beside(aside, what)) for what in BESIDE} == before
            assert aside.name in recording.damage.what
            kept += 1
        rest = truth[len(whole) :]
        for record in rest:
            journal.append(record)
        journal.close()
        assert check(path, truth) == "whole"

    assert kept > CASES // 100


def content(path: Path) -> bytes:
    """Return what a file holds; opening a database may leave an empty log beside it."""
    return path.read_bytes() if path.exists() else b""
