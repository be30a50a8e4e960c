"""The log's file: each line is there at once, and no failure reaches who writes."""

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from lifecycle.observe.logfile import LogFile

FULL: Final = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")


@pytest.fixture
def limit_of_file_size() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_is_readable_before_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    file = LogFile(path)

    assert file.write(b"one\n")
    assert path.read_bytes() == b"one\n"
    file.close()


def test_an_existing_file_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    path.write_bytes(b"before\n")
    file = LogFile(path)

    file.write(b"after\n")
    file.close()

    assert path.read_bytes() == b"before\nafter\n"


def test_a_new_file_is_closed_to_the_world(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"

    LogFile(path).close()

    assert path.stat().st_mode & 0o007 == 0


def test_a_path_that_cannot_be_opened_is_the_callers_fault(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file or directory"):
        LogFile(tmp_path / "no" / "bot.log")


@needs_full
def test_a_full_disk_gives_one_warning_and_no_error() -> None:
    warnings: list[str] = []
    file = LogFile(FULL, warn=warnings.append)

    written = [file.write(b"one\n"), file.write(b"two\n")]
    file.close()

    assert written == [False, False]
    assert warnings == [
        "cannot write to the log /dev/full: no space left on device; lines are lost until it works"
    ]


@pytest.mark.usefixtures("limit_of_file_size")
def test_a_line_that_was_cut_off_does_not_spoil_the_next(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    file = LogFile(path, warn=lambda _: None)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    cut_off = file.write(b"a long line\n")
    nothing = file.write(b"another\n")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    written = file.write(b"whole\n")
    file.close()

    assert [cut_off, nothing, written] == [False, False, True]
    assert path.read_bytes() == b"a lo\nwhole\n"


def test_after_a_rotation_lines_go_to_the_new_file(tmp_path: Path) -> None:
    path, moved = tmp_path / "bot.log", tmp_path / "bot.log.1"
    file = LogFile(path)
    file.write(b"one\n")
    path.rename(moved)

    file.write(b"two\n")
    file.reopen()
    file.write(b"three\n")
    file.close()

    assert moved.read_bytes() == b"one\ntwo\n"
    assert path.read_bytes() == b"three\n"


def test_a_file_that_cannot_be_reopened_is_kept(tmp_path: Path) -> None:
    warnings: list[str] = []
    folder = tmp_path / "logs"
    folder.mkdir()
    path, moved = folder / "bot.log", tmp_path / "bot.log.1"
    file = LogFile(path, warn=warnings.append)
    path.rename(moved)
    folder.rmdir()

    file.reopen()
    file.write(b"one\n")
    file.close()

    assert moved.read_bytes() == b"one\n"
    assert len(warnings) == 1


def test_a_closed_file_takes_nothing_and_closes_twice(tmp_path: Path) -> None:
    path = tmp_path / "bot.log"
    file = LogFile(path)
    file.close()
    file.close()

    assert not file.write(b"late\n")
    assert path.read_bytes() == b""
