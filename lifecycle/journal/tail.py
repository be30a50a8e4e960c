"""The small file beside a journal that is being written: who writes it, and its newest records.

It is locked for as long as its process lives, and the lock dies with the process, however that
ends. It holds the number of records appended, and the newest of them until they go to the journal
itself, many at once. Both are written through shared memory: that costs no system call, and
outlives the process. So when the end of a journal is missing, be it whole and plausible without
it, this file knows. It goes away when the journal is closed; what a killed process leaves behind is
no obstacle.

A record here is used where it is the next one by its number and by the chain of checksums; what is
left of older ones behind it, or of one that was being written, is not.

The lock is the operating system's on an open file, not a file that must not exist, which a kill
would leave for ever. A process made by `os.fork` alone shares it: it should not outlive its parent.
"""

import mmap
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct

from lifecycle.journal.base import JournalError

Row: TypeAlias = tuple[int, int, bytes]
"""Number, checksum and bytes of a record."""

SIZE: Final = 1 << 15
"""Of the file. What it holds goes to the journal in one go, and delays the next record so long."""

_SEQ: Final = struct.Struct("<Q")
_ROW: Final = struct.Struct("<QII")
"""Before the bytes of a record: its number, its checksum, and how many bytes they are."""
_COUNT: Final = struct.Struct("<QQ")
_MASK: Final = (1 << 64) - 1
"""The count stands there twice, once inverted, so that damage is not taken for a count."""
_LOCK_AT: Final = 1 << 30
"""Windows locks bytes against reading too, so a byte beyond the file's end is locked."""
_ATTEMPTS: Final = 100


def chained(last: int, seq: int, body: bytes) -> int:
    """Return the checksum of a record: of itself, its number, and the checksum before it."""
    return zlib.crc32(body, zlib.crc32(_SEQ.pack(seq), last))


def tail_path(path: Path) -> Path:
    """Return the path of a journal's tail file."""
    return path.with_name(f"{path.name}-tail")


class Tail:
    """The tail file of a journal that this process writes."""

    def __init__(self, path: Path) -> None:
        """Take the lock for the journal at `path`; raises JournalError where another run has it."""
        self.path = tail_path(path)
        self._place = self.path.absolute()
        self._file = _locked(path, self.path)
        self.is_new = os.fstat(self._file).st_size == 0
        """There was none, or an empty one. What it says stays until `begin`."""
        self._map: mmap.mmap | None = None
        self._end = _COUNT.size
        """Where the next record goes."""

    def begin(self, count: int) -> None:
        """Start counting from here; raises JournalError where there is no room for that."""
        try:
            os.lseek(self._file, 0, os.SEEK_SET)
            # All of it, so that there is room on the disk for what will be written.
            start = _COUNT.pack(count, count ^ _MASK).ljust(SIZE, b"\0")
            written = os.write(self._file, start)
            if written < SIZE:
                # What there is room for is written, and no error.
                raise JournalError(
                    f"{self.path} must have room for {SIZE} bytes, had room for {written}: "
                    "make room on the disk"
                )
            self._map = mmap.mmap(self._file, SIZE)
        except OSError as error:
            raise JournalError(f"{self.path} must be writable, was not: {error}") from error

    def put(self, row: Row) -> bool:
        """Keep a record here, which `set` makes count; False: there is no room for it."""
        assert self._map is not None, "counting has begun"
        seq, crc, body = row
        start = self._end + _ROW.size
        end = start + len(body)
        if end > SIZE:
            return False
        _ROW.pack_into(self._map, self._end, seq, crc, len(body))
        self._map[start:end] = body
        self._end = end
        return True

    def clear(self) -> None:
        """Begin at the top again: what was kept is in the journal."""
        self._end = _COUNT.size

    def set(self, count: int) -> None:
        """Note that so many records have been appended."""
        assert self._map is not None, "counting has begun"
        _COUNT.pack_into(self._map, 0, count, count ^ _MASK)

    def is_there(self) -> bool:
        """Say whether it is still where it was made; raises OSError where nothing is."""
        return os.path.samestat(self._place.stat(), os.fstat(self._file))

    def release(self, *, remove: bool) -> None:
        """Give the lock back; `remove` the file where the journal speaks for itself."""
        if self._map is not None:
            self._map.close()
        if remove and sys.platform != "win32":
            # While it is locked: who opens it now finds out that it is no longer there.
            self._place.unlink(missing_ok=True)
        os.close(self._file)
        if remove and sys.platform == "win32":
            try:
                self._place.unlink(missing_ok=True)
            except PermissionError:
                # Somebody reads it at this moment; a closed journal does not need it.
                return


class Told(Struct, frozen=True):
    """What a tail file says."""

    count: int | None
    """How many records the journal has at least; None where nothing says so."""
    kept: bytes
    """The newest of them."""

    def after(self, count: int, last: int) -> Iterator[Row]:
        """Yield the records that follow the first `count`, of which the last has this checksum."""
        at, wanted = 0, None
        while at + _ROW.size <= len(self.kept):
            seq, crc, length = _ROW.unpack_from(self.kept, at)
            body = self.kept[at + _ROW.size : at + _ROW.size + length]
            if wanted not in {None, seq} or len(body) != length:
                return
            if seq >= count:
                if seq != count or crc != chained(last, seq, body):
                    return
                yield seq, crc, body
                count, last = count + 1, crc
            at, wanted = at + _ROW.size + length, seq + 1


def read_tail(path: Path) -> Told:
    """Return what the tail file of the journal at `path` says."""
    content = b""
    try:
        for _ in range(_ATTEMPTS):
            content = tail_path(path).read_bytes()
            if len(content) < _COUNT.size:
                break
            count, inverted = _COUNT.unpack_from(content)
            if count == inverted ^ _MASK:
                return Told(count, content[_COUNT.size :])
            # Read while it was being written, perhaps.
    except OSError:
        return Told(None, b"")
    return Told(None, content[_COUNT.size :])


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
