"""Market files: what is read, what is refused and with which words, and the way back."""

import gzip
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.instrument import Instrument
from exchange.market import Row, RowKind
from exchange.recording import COLUMNS, MarketError, open_recording, write

HEADER = ",".join(COLUMNS)
TOUCH = "10,12,bbo,99.5,1,100,2.25,,,,,"
TRADE = "10,12,trade,,,,,100,0.25,1,0,"
INSTRUMENT = Instrument("ETH", price_unit=Decimal("0.1"), lot=Decimal("0.01"))


def file(folder: Path, *lines: str, name: str = "paper_eth_today.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((HEADER, *lines, "")))
    return path


def test_units_are_the_finest_steps_seen_and_the_symbol_comes_from_the_name(tmp_path: Path) -> None:
    recording = open_recording(file(tmp_path, TOUCH, TRADE), significant_figures=5)

    assert recording.instrument == Instrument(
        "ETH", price_unit=Decimal("0.1"), lot=Decimal("0.01"), significant_figures=5
    )
    assert list(recording.as_recorded()) == [
        Row(10, 12, RowKind.BBO, 995, 100, 1000, 225),
        Row(10, 12, RowKind.TRADE, price=1000, qty=25, side=1, oid="0"),
    ]


def test_a_recording_can_be_iterated_again(tmp_path: Path) -> None:
    recording = open_recording(file(tmp_path, TOUCH, TRADE))

    assert list(recording) == list(recording)
    assert len(recording) == 2
    assert (recording.start, recording.end) == (10, 10)


def test_exponents_are_numbers(tmp_path: Path) -> None:
    recording = open_recording(file(tmp_path, "10,-1,trade,,,,,100,3.61e-06,1,7,I"))

    assert recording.instrument.lot == Decimal("0.00000001")
    assert [row.qty for row in recording] == [361]


def test_a_hidden_level_is_minus_one_whatever_the_lot(tmp_path: Path) -> None:
    recording = open_recording(file(tmp_path, "10,-1,depth,,,,,100,-1,1,,U", TRADE))

    assert [row.qty for row in recording.as_recorded()] == [-1, 25]


def test_a_touch_may_lack_a_side(tmp_path: Path) -> None:
    recording = open_recording(file(tmp_path, "10,-1,bbo,,,100,2,,,,,"))

    assert list(recording) == [Row(10, -1, RowKind.BBO, 0, 0, 100, 2)]


def test_kinds_are_merged_by_exchange_time_with_trades_before_what_they_left(
    tmp_path: Path,
) -> None:
    late = "9,13,depth,,,,,99,1,1,,U"

    recording = open_recording(file(tmp_path, TOUCH, TRADE, late))

    assert [RowKind(row.kind) for row in recording] == [RowKind.DEPTH, RowKind.TRADE, RowKind.BBO]


def test_single_orders_keep_the_order_of_the_file(tmp_path: Path) -> None:
    added = "10,-1,l3,,,,,99,1,1,7,A"

    recording = open_recording(file(tmp_path, added, TOUCH, TRADE))

    assert [RowKind(row.kind) for row in recording] == [RowKind.L3, RowKind.BBO, RowKind.TRADE]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("10,12,trade,,,,,100,0.25,1,0", "row must have 12 columns, was 11"),
        ("ten,12,trade,,,,,100,1,1,0,", "ts_ns must be a whole number, was 'ten'"),
        ("10,,trade,,,,,100,1,1,0,", "recv_ns must be a whole number, was ''"),
        ("10,12,quote,,,,,100,1,1,0,", "kind must be bbo, trade, depth or l3, was 'quote'"),
        ("9,12,bbo,99,1,100,1,,,,,", "ts_ns of bbo rows must not fall, was 9 after 10"),
        ("10,12,trade,,,,,x,1,1,0,", "price must be a number, was 'x'"),
        ("10,12,trade,,,,,NaN,1,1,0,", "price must be finite, was NaN"),
        ("10,12,trade,,,,,100,inf,1,0,", "size must be finite, was inf"),
        ("10,12,trade,,,,,1e400,1,1,0,", "price must be from 1E-18 to 1E+18, was 1e400"),
        ("10,12,trade,,,,,100,1e-400,1,0,", "size must be from 1E-18 to 1E+18, was 1e-400"),
        ("10,12,trade,,,,,100,,1,0,", "size must be a number, was ''"),
        ("10,12,trade,,,,,100,-1,1,0,", "size must not be negative, was -1"),
        ("10,12,depth,,,,,100,-2,1,,U", "size must not be negative, was -2"),
        ("10,12,trade,,,,,-5,1,1,0,", "price must not be negative, was -5"),
        ("10,12,trade,,,,,0,1,1,0,", "price must be positive, was 0"),
        ("10,12,bbo,100,1,100,1,,,,,", "bid must be below ask, was 100 against 100"),
        ("10,12,bbo,0,1,100,1,,,,,", "bid must be positive, was 0"),
        ("10,12,bbo,99,-1,100,1,,,,,", "size must not be negative, was -1"),
        ("10,12,depth,,,,,100,1,1,,Q", "act of a depth row must be one of 'S', 'U', was 'Q'"),
        ("10,12,depth,,,,,100,1,0,,U", "side of a depth row must be 1 or -1, was '0'"),
        ("10,12,l3,,,,,100,1,2,7,A", "side of a l3 row must be 1 or -1, was '2'"),
        ("10,12,trade,,,,,100,1,buy,0,", "side of a trade row must be 1, -1 or 0, was 'buy'"),
    ],
)
def test_a_bad_row_is_refused_with_file_line_and_value(
    tmp_path: Path, line: str, message: str
) -> None:
    path = file(tmp_path, TOUCH, line)

    with pytest.raises(MarketError) as refused:
        open_recording(path, instrument=INSTRUMENT)

    assert str(refused.value) == f"paper_eth_today.csv, line 3: {message}"


def test_a_row_of_wrong_length_is_refused_while_units_are_sought(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match="line 3: row must have 12 columns"):
        open_recording(file(tmp_path, TOUCH, "10,12,trade"))


def test_a_price_off_the_units_of_a_given_instrument_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path, "10,12,trade,,,,,100.25,1,1,0,")

    with pytest.raises(MarketError, match=r"line 2: price must be a multiple of 0\.1, was 100\.25"):
        open_recording(path, instrument=INSTRUMENT)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "paper_eth.csv"
    path.write_text(HEADER.replace(",side", "") + "\n")

    with pytest.raises(
        MarketError, match=r"paper_eth.csv, line 1: columns must be .* side missing"
    ):
        open_recording(path)


def test_an_empty_file_has_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "paper_eth.csv"
    path.write_text("")

    with pytest.raises(MarketError, match="line 1: columns must be"):
        open_recording(path)


def test_a_truncated_gzip_is_refused_with_the_line_it_breaks_at(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join((HEADER, *[TOUCH] * 9)).encode(), mtime=0)
    path = tmp_path / "paper_eth.csv.gz"
    path.write_bytes(whole[:-8])

    with pytest.raises(MarketError, match=r"paper_eth.csv.gz, line \d+: file must be whole"):
        open_recording(path)


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    whole = bytearray(gzip.compress("\n".join((HEADER, *[TOUCH] * 9)).encode(), mtime=0))
    whole[20] ^= 0xFF
    path = tmp_path / "paper_eth.csv.gz"
    path.write_bytes(whole)

    with pytest.raises(MarketError, match="file must be whole"):
        open_recording(path)


def test_text_that_is_not_ascii_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "paper_eth.csv"
    path.write_bytes(f"{HEADER}\n".encode() + b"\xff")

    with pytest.raises(MarketError, match="line 2: text must be ASCII, was byte 0xff"):
        open_recording(path)


def test_what_may_have_no_end_is_no_market(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match="a market must be a regular file, was not"):
        open_recording("/dev/zero" if Path("/dev/zero").exists() else tmp_path)


def test_a_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_recording(tmp_path / "nothing.csv")


PRICES = st.integers(1, 10**9)
SIZES = st.integers(0, 10**12)
SIGNS = st.sampled_from([1, -1])
OIDS = st.text("0123456789abcdef", max_size=8)
TIMES = st.integers(0, 2**62)


@st.composite
def touches(draw: st.DrawFn) -> Row:
    bid = draw(st.integers(0, 10**9))
    ask = draw(st.one_of(st.just(0), st.integers(bid + 1, bid + 10**6)))
    bid_qty, ask_qty = (draw(SIZES) if price else 0 for price in (bid, ask))
    return Row(0, draw(TIMES), RowKind.BBO, bid, bid_qty, ask, ask_qty)


@st.composite
def others(draw: st.DrawFn, kind: RowKind, sizes: st.SearchStrategy[int], acts: list[str]) -> Row:
    side = draw(st.sampled_from([1, -1, 0]) if kind is RowKind.TRADE else SIGNS)
    price, qty, oid = draw(PRICES), draw(sizes), draw(OIDS)
    act = draw(st.sampled_from(acts))
    return Row(0, draw(TIMES), kind, price=price, qty=qty, side=side, oid=oid, act=act)


ROWS = st.one_of(
    touches(),
    others(RowKind.TRADE, SIZES, ["", "I"]),
    others(RowKind.DEPTH, st.one_of(st.just(-1), SIZES), ["S", "U"]),
    others(RowKind.L3, SIZES, [*"AMCFP"]),
    st.just(Row(0, -1, RowKind.L3, oid="0", act="X")),
)


@given(
    rows=st.lists(ROWS, max_size=20),
    times=st.lists(TIMES, min_size=20, max_size=20),
    suffix=st.sampled_from([".csv", ".csv.gz"]),
    unit=st.sampled_from(["0.1", "0.00001", "1", "0.5", "10"]),
)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[Row],
    times: list[int],
    suffix: str,
    unit: str,
) -> None:
    instrument = Instrument("ETH", price_unit=Decimal(unit), lot=Decimal("0.00000001"))
    timed = [row._replace(ts=ts) for row, ts in zip(rows, sorted(times), strict=False)]
    path = tmp_path_factory.mktemp("written") / f"paper_eth{suffix}"

    write(path, instrument, timed)

    assert list(open_recording(path, instrument=instrument).as_recorded()) == timed


def test_equal_rows_make_equal_files(tmp_path: Path) -> None:
    rows = [Row(10, 12, RowKind.BBO, 995, 100, 1000, 225)]

    for name in ("a.csv.gz", "b.csv.gz"):
        write(tmp_path / name, INSTRUMENT, rows)

    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


@pytest.mark.parametrize(
    ("name", "symbol", "price_unit", "lot", "count"),
    [
        ("hl_eth_20250904", "ETH", "0.1", "0.0001", 136_474),
        ("hl_wlfi_20250904", "WLFI", "0.00001", "1", 113_791),
        ("hl_eth_20250903", "ETH", "0.1", "0.0001", 16_507),
        ("bnf_eth_20240808", "ETH", "0.01", "0.001", 441_545),
        ("bts_btc_20150501_am", "BTC", "0.01", "0.00000001", 190_224),
    ],
)
def test_a_recorded_market_reads_whole(
    recorded: Callable[[str], Path], name: str, symbol: str, price_unit: str, lot: str, count: int
) -> None:
    recording = open_recording(recorded(name))

    instrument = recording.instrument
    assert (instrument.symbol, len(recording)) == (symbol, count)
    assert (instrument.price_unit, instrument.lot) == (Decimal(price_unit), Decimal(lot))
