"""Captures: what is written reads back, whatever happens to the process that writes."""

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from exchange.capture import (
    Capture,
    CaptureError,
    Rotation,
    gaps_path,
    parse_rotation,
    parts_of,
)
from exchange.instrument import Instrument
from exchange.market import Row, RowKind
from exchange.paper.book import Book
from exchange.recording import open_recording
from exchange.units import MINUTE, SECOND

INSTRUMENT = Instrument("ETH", price_unit=Decimal("0.01"), lot=Decimal("0.0001"))
START = 1_700_000_000 * SECOND


def bbo(second: float, bid: int = 200_000, ask: int = 200_010) -> Row:
    at = START + round(second * SECOND)
    return Row(at, at + 5, RowKind.BBO, bid, 10_000, ask, 20_000)


def depth(second: float, price: int, qty: int, side: int = 1, act: str = "U") -> Row:
    at = START + round(second * SECOND)
    return Row(at, at + 5, RowKind.DEPTH, price=price, qty=qty, side=side, act=act)


def trade(second: float, price: int = 200_010, side: int = 1) -> Row:
    at = START + round(second * SECOND)
    return Row(at, at + 5, RowKind.TRADE, price=price, qty=1, side=side)


ROWS = [
    depth(0, 199_990, 50_000, 1, "S"),
    depth(0, 200_010, 70_000, -1, "S"),
    bbo(0.1),
    Row(START + SECOND, START + SECOND, RowKind.BBO, 0, 0, 200_020, 3),
    trade(1.5),
    depth(1.6, 199_980, -1),
    depth(1.6, 199_990, 0),
]


def test_what_is_captured_reads_back_equal(tmp_path: Path) -> None:
    path = tmp_path / "hl_eth.csv.gz"

    with Capture(path, INSTRUMENT) as capture:
        for row in ROWS:
            capture.take(row)

    recording = open_recording(path)
    assert list(recording.as_recorded()) == ROWS
    assert recording.instrument.symbol == "ETH"
    assert recording.instrument.price_unit == INSTRUMENT.price_unit
    assert recording.instrument.lot == INSTRUMENT.lot


def test_a_capture_reads_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "hl_eth.csv.gz"
    capture = Capture(path, INSTRUMENT, flush_s=1.0)

    for row in ROWS:
        capture.take(row)
    seen = list(open_recording(path, instrument=INSTRUMENT).as_recorded())

    assert seen == ROWS[:5]
    capture.close()


def test_a_process_that_is_killed_at_once_leaves_a_market_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "hl_eth.csv.gz"
    capture = Capture(path, INSTRUMENT)

    capture.take(ROWS[0])

    assert len(open_recording(path)) == 0
    capture.close()


def test_a_capture_goes_on_in_a_new_part_and_says_what_it_missed(tmp_path: Path) -> None:
    path = tmp_path / "hl_eth.csv.gz"
    with Capture(path, INSTRUMENT) as capture:
        capture.take(bbo(0))

    with Capture(path, INSTRUMENT) as capture:
        capture.take(bbo(90))

    assert [part.name for part in parts_of(path)] == ["hl_eth.csv.gz", "hl_eth.001.csv.gz"]
    assert list(open_recording(parts_of(path)[1], instrument=INSTRUMENT)) == [bbo(90)]
    assert gaps_path(path).read_text().splitlines() == [
        "from_ns,to_ns,part,why",
        f"{START + 5},{bbo(90).recv},hl_eth.001.csv.gz,not running",
    ]


@pytest.mark.parametrize("lost", [1, 20, 40])
def test_a_torn_member_is_cut_off_when_the_capture_is_resumed(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "hl_eth.csv.gz"
    capture = Capture(path, INSTRUMENT, flush_s=1.0)
    for row in (bbo(0), bbo(1), bbo(2), bbo(3)):
        capture.take(row)
    capture.close()
    path.write_bytes(path.read_bytes()[:-lost])

    Capture(path, INSTRUMENT).close()

    assert list(open_recording(path, instrument=INSTRUMENT)) == [bbo(0), bbo(1)]


def test_a_new_part_begins_with_the_book_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "hl_eth.csv.gz"
    capture = Capture(path, INSTRUMENT, rotation=Rotation(age=MINUTE))
    for row in (*ROWS, depth(2, 199_970, 90_000)):
        capture.take(row)
    full = capture.is_full(START + MINUTE + SECOND)
    capture.rotate()
    capture.take(trade(61))
    capture.close()

    book = Book()
    rows = list(open_recording(parts_of(path)[1], instrument=INSTRUMENT).as_recorded())
    for row in rows[:-2]:
        book.depth(row)

    assert full
    assert book.bids.sizes == {199_970: 90_000}
    assert book.asks.sizes == {200_010: 70_000}
    assert rows[-2].kind == RowKind.BBO
    assert rows[-1] == trade(61)


def test_after_a_gap_a_part_does_not_begin_with_an_old_book(tmp_path: Path) -> None:
    path = tmp_path / "hl_eth.csv.gz"
    capture = Capture(path, INSTRUMENT)
    for row in ROWS:
        capture.take(row)
    capture.missed(START + 2 * SECOND, "stream broken")
    capture.rotate()
    capture.take(bbo(30))
    capture.close()

    assert list(open_recording(parts_of(path)[1], instrument=INSTRUMENT)) == [bbo(30)]
    assert gaps_path(path).read_text().count("stream broken") == 1


def test_a_late_row_has_the_newest_time_and_a_crossed_touch_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "hl_eth.csv.gz"
    with Capture(path, INSTRUMENT) as capture:
        capture.take(trade(5))
        capture.take(trade(4))
        capture.take(bbo(6, 200_010, 200_000))

    rows = list(open_recording(path, instrument=INSTRUMENT).as_recorded())
    assert [row.ts for row in rows] == [trade(5).ts, trade(5).ts]
    assert (capture.late, capture.crossed) == (1, 1)


def test_a_part_is_full_by_its_size(tmp_path: Path) -> None:
    capture = Capture(
        tmp_path / "hl_eth.csv.gz", INSTRUMENT, rotation=Rotation(size=200), flush_s=0.001
    )

    before = capture.is_full(START)
    for second in range(30):
        capture.take(bbo(second))

    assert not before
    assert capture.is_full(START)
    capture.close()


class FullDisk:
    """A file that takes so many bytes and no more."""

    def __init__(self, raw: object, room: int) -> None:
        self.raw = raw
        self.room = room

    def write(self, data: bytes) -> int:
        """Take what there is room for."""
        if self.room == 0:
            raise OSError(28, "No space left on device")
        taken = min(self.room, len(data))
        self.room -= taken
        self.raw.write(data[:taken])  # type: ignore[attr-defined]
        return taken

    def truncate(self, size: int) -> None:
        """Cut it off."""
        self.raw.truncate(size)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close it."""
        self.raw.close()  # type: ignore[attr-defined]


def test_a_full_disk_is_one_line_and_what_was_written_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "hl_eth.csv.gz"
    capture = Capture(path, INSTRUMENT)
    capture.take(bbo(0))
    capture.flush()
    capture._file = FullDisk(capture._file, 7)  # type: ignore[assignment]
    capture.take(bbo(1))

    with pytest.raises(CaptureError, match="no space left on device") as failed:
        capture.close()

    assert "\n" not in str(failed.value)
    assert list(open_recording(path, instrument=INSTRUMENT)) == [bbo(0)]


@pytest.mark.parametrize(
    ("text", "rotation"),
    [
        ("1h", Rotation(age=60 * MINUTE)),
        ("100MB", Rotation(size=100_000_000)),
        ("30m, 5gb", Rotation(age=30 * MINUTE, size=5_000_000_000)),
    ],
)
def test_a_rotation_is_an_age_or_a_size(text: str, rotation: Rotation) -> None:
    assert parse_rotation(text) == rotation


@pytest.mark.parametrize("text", ["", "h", "0h", "1x", "1h,", "-1h"])
def test_what_is_no_rotation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 1h, 30m or 100MB"):
        parse_rotation(text)


def test_the_same_rows_make_the_same_file(tmp_path: Path) -> None:
    for name in ("a_eth.csv.gz", "b_eth.csv.gz"):
        with Capture(tmp_path / name, INSTRUMENT) as capture:
            for row in ROWS:
                capture.take(row)

    first, second = ((tmp_path / name).read_bytes() for name in ("a_eth.csv.gz", "b_eth.csv.gz"))
    assert first == second
    assert gzip.decompress(first).startswith(b"ts_ns,")


def test_a_capture_must_be_named_as_a_market_file(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="must end in"):
        Capture(tmp_path / "eth.csv", INSTRUMENT)
    with pytest.raises(CaptureError, match="directory that exists"):
        Capture(tmp_path / "none" / "eth.csv.gz", INSTRUMENT)
