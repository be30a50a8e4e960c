"""Reading a market file in bulk: the rows are those of the reader that goes row by row."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.bulk import IrregularError, read
from exchange.instrument import Instrument
from exchange.market import Row
from exchange.recording import HEADER, MarketError, open_recording

FIELDS = 12
DIGITS = st.integers(0, 10**12).map(str)
NUMBERS = st.one_of(
    st.decimals(0, 10**7, places=3).map(str),
    st.integers(1, 10**6).map(str),
    st.sampled_from(("0", "0.0", ".5", "5.", "007", "1e3", "-1", "", ".", "9" * 19, "0.5000")),
)
UNITS = st.sampled_from(
    (None, Instrument("ETH", price_unit=Decimal("0.001"), lot=Decimal("0.001")),
     Instrument("ETH", price_unit=Decimal("0.5"), lot=Decimal("0.01")))
)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> str:
    """Draw a row, mostly a good one."""
    kind = draw(st.sampled_from(("bbo", "trade", "depth", "depth", "l3")))
    received = draw(st.one_of(st.just("-1"), DIGITS))
    head = f"{draw(DIGITS)},{received},{kind}"
    oid = draw(st.sampled_from(("", "0", "0", "77")))
    if kind == "bbo":
        sides = [f"{draw(NUMBERS)},{draw(NUMBERS)}" if draw(st.booleans()) else ","
                 for _ in range(2)]  # fmt: skip
        return f"{head},{','.join(sides)},,,,{oid},"
    side = draw(st.sampled_from(("1", "-1", "1", "-1", "0")))
    acts = {"trade": ("", "I"), "depth": ("S", "U"), "l3": ("A", "C", "X")}[kind]
    act = draw(st.sampled_from(acts))
    return f"{head},,,,,{draw(NUMBERS)},{draw(NUMBERS)},{side},{oid},{act}"


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Draw the rows of a file, in the order of time, with a slip here and there."""
    rows = draw(st.lists(lines(), max_size=8))
    if draw(st.booleans()):
        rows.sort(key=lambda row: int(row.partition(",")[0]))
    text = "\n".join(rows) + draw(st.sampled_from(("\n", "\n", "")))
    if text and draw(st.integers(0, 4)) == 0:
        place = draw(st.integers(0, len(text) - 1))
        slip = draw(st.sampled_from((",", "\n", "", "x", "1", ".", '"', "\r", "-", "\0", " ", "é")))
        text = text[:place] + slip + text[place + draw(st.integers(0, 1)) :]
    return text


Read = tuple[Instrument, list[Row], list[Row]] | str


def outcome(path: Path, instrument: Instrument | None) -> Read:
    """Return all that reading gives, or what is wrong."""
    try:
        found = open_recording(path, instrument=instrument)
    except MarketError as error:
        return str(error)
    rows = list(found)
    assert (found.start, found.end) == ((rows[0].ts, rows[-1].ts) if rows else (0, 0))
    assert found.prices == {p for row in rows for p in (row.bid, row.ask, row.price)} - {0}
    if found.columns is not None:
        assert found.columns.rows(0, len(found.columns)) == rows
    return found.instrument, rows, list(found.as_recorded())


def both(folder: Path, text: bytes, instrument: Instrument | None = None) -> tuple[Read, Read]:
    """Read a file by whatever way it takes, and row by row: a quoted header is not regular."""
    path = folder / "paper_eth.csv"
    path.write_bytes(HEADER + text)
    taken = outcome(path, instrument)
    path.write_bytes(b'"ts_ns"' + HEADER.removeprefix(b"ts_ns") + text)
    return taken, outcome(path, instrument)


@given(texts(), UNITS)
def test_any_file_is_read_or_refused_as_it_is_row_by_row(
    tmp_path_factory: pytest.TempPathFactory, text: str, instrument: Instrument | None
) -> None:
    folder = tmp_path_factory.mktemp("bulk")

    taken, plain = both(folder, text.encode(), instrument)

    assert taken == plain


def test_a_regular_file_is_read_in_bulk() -> None:
    text = HEADER + (
        b"10,12,bbo,99.5,1,100,2.25,,,,,\n"
        b"10,-1,trade,,,,,100,0.25,1,0,\n"
        b"11,12,depth,,,,,99.5,-1,1,,U\n"
    )

    table, units = read(text, len(HEADER), None)

    assert units == (Decimal("0.1"), Decimal("0.01"))
    assert [tuple(row)[:10] for row in table.rows(0, 3)] == [
        (10, 12, 0, 995, 100, 1000, 225, 0, 0, 0),
        (10, -1, 1, 0, 0, 0, 0, 1000, 25, 1),
        (11, 12, 2, 0, 0, 0, 0, 995, -1, 1),
    ]


@pytest.mark.parametrize(
    "row",
    [
        b"10,12,trade,,,,,1e2,0.25,1,0,",
        b"10,12,trade,,,,,1.2.3,0.25,1,0,",
        b'10,12,trade,,,,,100,0.25,"1",0,',
        b"10,12,trade,,,,,100,0.25,2,0,",
        b"10,12,trade,,,,,0,0.25,1,0,",
        b"10,12,trade,,,,,100,0.25,1,0",
        b"10,12,trades,,,,,100,0.25,1,0,",
        b"10,12,bbo,100,1,100,1,,,,,",
        b"10,12,bbo,,,100,,,,,,",
        b"99999999999999999999,12,trade,,,,,100,0.25,1,0,",
    ],
)
def test_what_is_not_regular_is_left_to_the_other_reader(row: bytes) -> None:
    with pytest.raises(IrregularError):
        read(HEADER + row + b"\n", len(HEADER), None)


@pytest.mark.parametrize(
    "name",
    ["hl_eth_20250903", "hl_eth_20250904", "hl_wlfi_20250904", "bnf_eth_20240808",
     "bts_btc_20150501_am"],
)  # fmt: skip
def test_the_recorded_markets_are_regular_or_read_alike(
    recorded: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    import gzip

    text = gzip.decompress(recorded(name).read_bytes()).removeprefix(HEADER)
    # The first half is enough to say so, and one does not wait for it.
    text = text[: text.index(b"\n", len(text) // 4) + 1]

    taken, plain = both(tmp_path, text)

    assert taken == plain
