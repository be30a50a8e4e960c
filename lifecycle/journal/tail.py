"""The small file beside a journal that is being written: who writes it, and how far it has come.

It is locked for as long as its process lives, and the lock dies with the process, however that
ends. It holds the number of records appended, written after each of them through shared memory:
that costs no system call, and outlives the process. So when the end of a journal is missing, be it
whole and plausible without it, this file knows. It goes away when the journal is closed; what a
killed process leaves behind is no obstacle.

The lock is the operating system's on an open file, not a file that must not exist, which a kill
would leave for ever. A process made by `os.fork` alone shares it: it should not outlive its parent.
"""

import mmap
import os
import struct
import sys
from pathlib import Path
from typing import Final

from lifecycle.journal.base import JournalError

_COUNT: Final = struct.Struct("<QQ")
_MASK: Final = (1 << 64) - 1
"""The count stands there twice, once inverted, so that damage is not taken for a count."""
_LOCK_AT: Final = 1 << 30
"""Windows locks bytes against reading too, so a byte beyond the file's end is locked."""
_ATTEMPTS: Final = 100


def tail_path(path: Path) -> Path:
    """Return the path of a journal's tail file."""
    return path.with_name(f"{path.name}-tail")


class Tail:
    """The tail file of a journal that this process writes."""

    def __init__(self, path: Path) -> None:
        """Take the lock for the journal at `path`; raises JournalError where another run has it."""
        self.path = tail_path(path)
        self._file = _locked(path, self.path)
        self.is_new = os.fstat(self._file).st_size == 0
        """There was none, or an empty one. What it says stays until `begin`."""
        self._map: mmap.mmap | None = None

    def begin(self, count: int) -> None:
        """Start counting from here; raises JournalError where there is no room for that."""
        try:
            os.ftruncate(self._file, 0)
            os.write(self._file, _COUNT.pack(count, count ^ _MASK))
            self._map = mmap.mmap(self._file, _COUNT.size)
        except OSError as error:
            raise JournalError(f"{self.path} must be writable, was not: {error}") from error

    def set(self, count: int) -> None:
        """Note that so many records have been appended."""
        assert self._map is not None, "counting has begun"
        _COUNT.pack_into(self._map, 0, count, count ^ _MASK)

    def release(self, *, remove: bool) -> None:
        """Give the lock back; `remove` the file where the journal speaks for itself."""
        if self._map is not None:
            self._map.close()
        if remove and sys.platform != "win32":
            # While it is locked: who opens it now finds out that it is no longer there.
            self.path.unlink(missing_ok=True)
        os.close(self._file)
        if remove and sys.platform == "win32":
            try:
                self.path.unlink(missing_ok=True)
            except PermissionError:
                # Somebody reads it at this moment; a closed journal does not need it.
                return


def read_tail(path: Path) -> int | None:
    """Return how many records the journal at `path` had at least; None where nothing says so."""
    try:
        content = tail_path(path).read_bytes()
        for _ in range(_ATTEMPTS):
            if len(content) != _COUNT.size:
                return None
            count, inverted = _COUNT.unpack(content)
            if count == inverted ^ _MASK:
                return int(count)
            # Read while it was being written, perhaps.
            content = tail_path(path).read_bytes()
    except OSError:
        return None
    return None


def _locked(path: Path, tail: Path) -> int:
    """Return the descriptor of the tail file, which is there and locked by us."""
    while True:
        try:
            file = os.open(tail, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        except OSError as error:
            raise JournalError(
                f"{path} must be in a folder that can be written to, was not: {error.strerror}"
            ) from error
        if not _lock(file):
            os.close(file)
            raise JournalError(
                f"{path} must belong to one run at a time, was in use by another one; "
                "stop that one, or choose another file"
            )
        try:
            if os.path.samestat(os.fstat(file), tail.stat()):
                return file
        except FileNotFoundError:
            pass
        # Its last owner removed it between our opening and our locking it.
        os.close(file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> bool:
        os.lseek(file, _LOCK_AT, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
