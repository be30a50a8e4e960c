"""Writes a market as it happens into market files (`exchange.recording` reads them).

A capture is one file or several, its parts: `NAME.csv.gz`, `NAME.001.csv.gz` and so on. Each is a
market by itself. A part begins when a capture does, also one that goes on where another ended, and
when the last has become too long or too old: then it begins with the book and the touch as they
were. Nothing is ever appended to a part that was closed.

Rows are kept in memory and written as one whole gzip member at a time: when so many seconds have
passed or so much text has come. So a process that is killed loses those seconds and damages
nothing. A member of which a part was written, because the power failed or the disk was full, is cut
off again, at once or when the capture is next resumed.

What was missed is in two places. After a gap the book comes as a full snapshot, which a reader
takes anyway; and `NAME.gaps.csv` has a line for each: from when to when nothing was heard, by the
recorder's clock, in which part, and why.

The format wants the times of a kind of row never to fall, and no touch to be crossed. A row that is
late takes the newest time of its kind, a crossed touch is left out; both are counted.
"""

import csv
import gzip
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from exchange.instrument import Instrument
from exchange.market import Row, RowKind
from exchange.recording import COLUMNS, fields
from exchange.units import SECOND, Nanos, Price, Qty, seconds

SUFFIX: Final = ".csv.gz"
GAPS: Final = ".gaps.csv"
GAP_COLUMNS: Final = ("from_ns", "to_ns", "part", "why")
FLUSH_S: Final = 30.0
TEXT_MAX: Final = 1 << 20
"""Text that is kept in memory at most, in bytes."""
CHUNK: Final = 1 << 16
GZIP_WINDOW: Final = 31
"""For zlib: a gzip member, with its own header and checksum."""


class CaptureError(ValueError):
    """What was captured cannot be written; one line that names the file and what to do."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a part has become too much; None: never."""

    age: Nanos | None = None
    """By the recorder's clock."""
    size: int | None = None
    """In bytes of the file; what is still in memory is not counted."""


class Capture:
    """Takes rows, one after the other, and keeps them in files."""

    def __init__(
        self,
        path: Path,
        instrument: Instrument,
        *,
        rotation: Rotation | None = None,
        flush_s: float = FLUSH_S,
    ) -> None:
        """Begin a capture at `path`, or go on with the one that is there.

        Its name ends in `.csv.gz`. Raises CaptureError where it does not or cannot be used.
        """
        if not path.name.endswith(SUFFIX):
            raise CaptureError(f"a capture's name must end in {SUFFIX}, was {path.name}")
        if not path.parent.is_dir():
            raise CaptureError(f"{path} must be in a directory that exists, create it first")
        self._path: Final = path
        self._instrument: Final = instrument
        self._rotation: Final = Rotation() if rotation is None else rotation
        self._flush: Final = seconds(flush_s)
        self._part: Path | None = None
        self._file: BinaryIO | None = None
        self._size = 0
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._newest: dict[int, Nanos] = {}
        self._levels: dict[int, dict[Price, Qty]] = {1: {}, -1: {}}
        self._burst: tuple[Nanos, int] = (-1, 0)
        self._depth_at: Nanos = 0
        self._touch: Row | None = None
        self._opened_at: Nanos = 0
        self._kept_since: Nanos | None = None
        self._gap_from: Nanos | None = None
        self._why = ""
        self._last: Nanos | None = None
        self.rows = 0
        """Taken so far; what a part begins with is not counted again."""
        self.late = 0
        """Of those, whose time was raised to the newest of their kind."""
        self.crossed = 0
        """Touches left out."""
        self.gaps = 0
        self.parts: list[Path] = []
        """Written by this capture."""
        self._resume()

    def _resume(self) -> None:
        """Look for the parts of before: what was missed since is a gap."""
        for part in reversed(parts_of(self._path)):
            end = _mend(part)
            if end is not None:
                self._gap_from, self._why = end, "not running"
                return

    @property
    def last_heard(self) -> Nanos | None:
        """When the last row was heard, None before the first."""
        return self._last

    # What it is told.

    def take(self, row: Row) -> None:
        """Take a row; raises CaptureError where it cannot be written."""
        if row.kind == RowKind.BBO and row.bid and row.ask and row.bid >= row.ask:
            self.crossed += 1
            return
        if self._file is None:
            self._open(row.recv)
        newest = self._newest.get(row.kind, 0)
        if row.ts < newest:
            self.late += 1
            row = row._replace(ts=newest)
        self._newest[row.kind] = row.ts
        if self._gap_from is not None:
            self._write_gap(row.recv)
        self._writer.writerow(fields(row, self._instrument))
        self._note(row)
        self.rows += 1
        self._last = row.recv
        if self._kept_since is None:
            self._kept_since = row.recv
        if row.recv - self._kept_since >= self._flush or self._text.tell() >= TEXT_MAX:
            self.flush()

    def missed(self, since: Nanos, why: str) -> None:
        """Note that nothing was heard since then; the gap ends with the next row."""
        if self._gap_from is None:
            self._gap_from, self._why = since, why

    def is_full(self, now: Nanos) -> bool:
        """Say whether the part has become too much, so that the next one is due."""
        if self._file is None:
            return False
        age, size = self._rotation.age, self._rotation.size
        too_old = age is not None and now - self._opened_at >= age
        return too_old or (size is not None and self._size >= size)

    def rotate(self) -> None:
        """End the part; the next row begins another."""
        self.close()

    def flush(self) -> None:
        """Write what is in memory; raises CaptureError with the file as it was before."""
        text = self._text.getvalue()
        self._kept_since = None
        if not text or self._file is None:
            return
        self._text.seek(0)
        self._text.truncate()
        packed = gzip.compress(text.encode("ascii"), mtime=0)
        try:
            rest = packed
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._cut()
            why = (error.strerror or str(error)).lower()
            raise CaptureError(
                f"{self._part} must take what is captured, did not: {why}; what it held before is "
                "whole: make room and start again with the same name, it goes on in a new part"
            ) from error
        self._size += len(packed)

    def close(self) -> None:
        """Write what is in memory and end the part; raises CaptureError."""
        try:
            self.flush()
        finally:
            file, self._file = self._file, None
            if file is not None:
                file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Inside.

    def _open(self, now: Nanos) -> None:
        part = _next_part(self._path)
        try:
            # Unbuffered: a write is the system's, or has failed.
            self._file = part.open("xb", buffering=0)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise CaptureError(f"{part} must be writable, was not: {why}") from error
        self._part, self._size, self._opened_at = part, 0, now
        self._newest = {}
        self.parts.append(part)
        self._writer.writerow(COLUMNS)
        if self._gap_from is None:
            self._begin_with_book(now)
        # A part is never without its header, whatever happens next.
        self.flush()

    def _note(self, row: Row) -> None:
        """Keep the book and the touch, for the beginning of the next part."""
        if row.kind == RowKind.BBO:
            self._touch = row
        elif row.kind == RowKind.DEPTH:
            levels = self._levels[row.side]
            if row.act == "S" and self._burst != (row.ts, row.side):
                self._burst = (row.ts, row.side)
                levels.clear()
            self._depth_at = row.ts
            if row.qty > 0:
                levels[row.price] = row.qty
            else:
                levels.pop(row.price, None)

    def _begin_with_book(self, now: Nanos) -> None:
        at = self._depth_at
        for side, levels in self._levels.items():
            for price, qty in levels.items():
                row = Row(at, now, RowKind.DEPTH, price=price, qty=qty, side=side, act="S")
                self._writer.writerow(fields(row, self._instrument))
                self._newest[RowKind.DEPTH] = at
        if self._touch is not None:
            self._writer.writerow(fields(self._touch._replace(recv=now), self._instrument))
            self._newest[RowKind.BBO] = self._touch.ts

    def _cut(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.truncate(self._size)
        except OSError:
            # It is cut off when the capture is next resumed.
            return
        finally:
            file.close()

    def _write_gap(self, until: Nanos) -> None:
        since, self._gap_from = self._gap_from, None
        self.gaps += 1
        name = "" if self._part is None else self._part.name
        path = gaps_path(self._path)
        try:
            is_new = not path.exists()
            with path.open("a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                if is_new:
                    writer.writerow(GAP_COLUMNS)
                writer.writerow((since, until, name, self._why))
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise CaptureError(f"{path} must take a gap, did not: {why}") from error


def gaps_path(path: Path) -> Path:
    """Return where the gaps of a capture are."""
    return path.with_name(path.name.removesuffix(SUFFIX) + GAPS)


def parts_of(path: Path) -> list[Path]:
    """Return the parts of a capture that are there, in their order."""
    return [part for _, part in _numbered(path)]


def _numbered(path: Path) -> list[tuple[int, Path]]:
    stem = re.escape(path.name.removesuffix(SUFFIX))
    pattern = re.compile(rf"{stem}(?:\.(\d{{3,}}))?{re.escape(SUFFIX)}")
    found = ((pattern.fullmatch(other.name), other) for other in path.parent.iterdir())
    return sorted((int(match[1] or 0), other) for match, other in found if match is not None)


def _next_part(path: Path) -> Path:
    numbered = _numbered(path)
    if not numbered:
        return path
    number = numbered[-1][0] + 1
    return path.with_name(f"{path.name.removesuffix(SUFFIX)}.{number:03d}{SUFFIX}")


def _mend(part: Path) -> Nanos | None:
    """Cut a torn member off the end of a part; returns when its last row was heard, if any was.

    Raises CaptureError where the part cannot be read or mended.
    """
    whole, last = 0, b""
    try:
        with part.open("rb") as file:
            while text := _member(file):
                whole, last = file.tell(), text
            size = part.stat().st_size
        if whole < size:
            with part.open("r+b") as file:
                file.truncate(whole)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise CaptureError(f"{part} must be readable and writable, was not: {why}") from error
    return _last_heard(last)


def _member(file: BinaryIO) -> bytes:
    """Return the text of the next gzip member and stand behind it; b"" where none is whole."""
    unpack, text = zlib.decompressobj(GZIP_WINDOW), b""
    try:
        while not unpack.eof:
            chunk = file.read(CHUNK)
            if not chunk:
                return b""
            text += unpack.decompress(chunk)
    except zlib.error:
        return b""
    file.seek(-len(unpack.unused_data), io.SEEK_CUR)
    return text


def _last_heard(text: bytes) -> Nanos | None:
    for line in reversed(text.decode("ascii", "replace").splitlines()):
        received = line.split(",", 2)[1] if line.count(",") else ""
        if received.lstrip("-").isdigit() and int(received) > 0:
            return int(received)
    return None


def parse_rotation(text: str) -> Rotation:
    """Read `1h`, `30m`, `100MB`, or both with a comma; raises ValueError."""
    age: Nanos | None = None
    size: int | None = None
    units = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}
    sizes = {"kb": 1000, "mb": 1000**2, "gb": 1000**3}
    for one in text.lower().split(","):
        match = re.fullmatch(r"\s*(\d+)\s*([a-z]+)\s*", one)
        if match is None or int(match[1]) == 0 or match[2] not in {*units, *sizes}:
            raise ValueError(f"rotation must be such as 1h, 30m or 100MB, was {text!r}")
        if match[2] in units:
            age = int(match[1]) * units[match[2]]
        else:
            size = int(match[1]) * sizes[match[2]]
    return Rotation(age, size)
