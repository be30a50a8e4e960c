"""The market file: recorded or captured markets, read and written.

One event a row, comma-separated text, plain or gzip:
`ts_ns, recv_ns, kind, bid_px, bid_sz, ask_px, ask_sz, px, sz, side, oid, act`.
`exchange.market.Row` says what the columns mean; those that a kind does not use are empty. A `bbo`
row may leave a side empty: nothing is offered there. `trade` rows may carry an act `I`: the
aggressor was inferred from the resting order whose oid stands in the row.

A file holds rows as they reached the recorder, and there are several feeds: their exchange times
never fall within one kind of row, but a kind may lag behind another. `as_recorded` gives the
file's order; iterating gives the order of exchange time, in which the market happened. Rows of one
exchange time are ordered trades, touch, depth, since both books show what the trades left; not so
where orders are recorded one by one, as these say themselves what became of them.

A file is read once, whole, and in bulk where it is regular (`exchange.bulk`); several venues may
replay one recording. What is not regular is read here row by row, and what is wrong is named.
"""

import csv
import gzip
import io
import stat
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from exchange.bulk import IrregularError, Table, read
from exchange.columns import Columns
from exchange.instrument import Instrument
from exchange.market import Row, RowKind
from exchange.units import Nanos, Price

if TYPE_CHECKING:
    from _csv import Reader

COLUMNS: Final = (
    "ts_ns",
    "recv_ns",
    "kind",
    "bid_px",
    "bid_sz",
    "ask_px",
    "ask_sz",
    "px",
    "sz",
    "side",
    "oid",
    "act",
)
HEADER: Final = (",".join(COLUMNS) + "\n").encode()
MIN_NOTIONAL: Final = Decimal(10)
DIGITS_MAX: Final = 18
"""What is further from 1 is a damaged field, and no price or size that a float could hold."""
CHUNK_BYTES: Final = 1 << 20
GZIP_MAGIC: Final = b"\x1f\x8b"
HIDDEN: Final = "-1"
"""The size of a level that left the visible window."""

_ACTS: Final = {"depth": ("S", "U"), "l3": ("A", "M", "C", "F", "X", "P"), "trade": ("", "I")}
_KINDS: Final = {kind.name.lower(): kind.value for kind in RowKind}
_WORDS: Final = {number: word for word, number in _KINDS.items()}
_SIGNS: Final = {"1": 1, "-1": -1}
_ORDERLY: Final = {
    ("l3", "0", "X"): 0,
    **{("trade", "0", act): 0 for act in _ACTS["trade"]},
    **{
        (word, side, act): sign
        for word, acts in _ACTS.items()
        for act in acts
        for side, sign in _SIGNS.items()
    },
}
"""The kinds with the sides and acts that they may have, and the side as a number."""
_new: Final = tuple.__new__


class MarketError(ValueError):
    """A market file cannot be read; the message names the file, the line and the value."""


class Recording:
    """A market that was read into memory, and can be replayed any number of times."""

    def __init__(self, instrument: Instrument, rows: Sequence[Row] | Table) -> None:
        self._instrument = instrument
        self._recorded = rows
        self._ordered: Sequence[Row] | Table
        if isinstance(rows, Table):
            self._ordered = rows.in_exchange_order()
        else:
            self._ordered = _in_exchange_order(rows)

    @property
    def instrument(self) -> Instrument:
        """The instrument whose units the rows are in."""
        return self._instrument

    @property
    def start(self) -> Nanos:
        """The first exchange time, 0 where there are no rows."""
        return self._time(0)

    @property
    def end(self) -> Nanos:
        """The last exchange time, 0 where there are no rows."""
        return self._time(-1)

    def __len__(self) -> int:
        return len(self._recorded)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows in the order of exchange time."""
        ordered = self._ordered
        return ordered.rows(0, len(ordered)) if isinstance(ordered, Table) else ordered

    @cached_property
    def columns(self) -> Columns | None:
        """The same in columns; None where single orders were recorded."""
        if isinstance(self._ordered, Table):
            return self._ordered.columns()
        if any(row[2] == RowKind.L3 for row in self._ordered):
            return None
        return Columns.of(self._ordered)

    @cached_property
    def prices(self) -> frozenset[Price]:
        """All prices that occur."""
        if isinstance(self._ordered, Table):
            return self._ordered.prices()
        found = {price for row in self._ordered for price in (row.bid, row.ask, row.price)}
        return frozenset(found - {0})

    def as_recorded(self) -> Iterator[Row]:
        """Iterate in the order of the file."""
        recorded = self._recorded
        return iter(recorded.rows(0, len(recorded)) if isinstance(recorded, Table) else recorded)

    def _time(self, place: int) -> Nanos:
        if isinstance(self._ordered, Table):
            return int(self._ordered.ts[place])
        return self._ordered[place].ts if self._ordered else 0


class _Scale(dict[str, int]):
    """Text to whole units; each distinct text is converted once."""

    def __init__(self, unit: Decimal, what: str) -> None:
        super().__init__()
        self._unit = unit
        self._what = what
        _, digits, exponent = unit.as_tuple()
        decimals = -exponent if digits == (1,) and isinstance(exponent, int) else -1
        # Most units are powers of ten: then padding with zeros is the whole conversion.
        self._paddings = {length: 10 ** (decimals - length) for length in range(decimals + 1)}

    def __missing__(self, text: str) -> int:
        whole, _, fraction = text.partition(".")
        digits = whole + fraction
        padding = self._paddings.get(len(fraction))
        if padding is not None and digits.isdigit():
            value: int = int(digits) * padding
        else:
            value = self._slowly(text)
        self[text] = value
        return value

    def _slowly(self, text: str) -> int:
        number = _decimal(text, self._what)
        if number < 0:
            raise ValueError(f"{self._what} must not be negative, was {text}")
        count = number / self._unit
        if count != int(count):
            raise ValueError(f"{self._what} must be a multiple of {self._unit}, was {text}")
        return int(count)


def open_recording(
    path: str | Path,
    *,
    instrument: Instrument | None = None,
    significant_figures: int = 0,
    min_notional: Decimal = MIN_NOTIONAL,
) -> Recording:
    """Read a market file.

    Without an `instrument` its units are the finest decimal steps in the file, its symbol comes
    from the file's name, and the last two arguments give what a file cannot show: Hyperliquid's
    limit of significant figures (5 there) and the least notional.

    Raises:
        MarketError: the file is cut short, or a row breaks the format.
        OSError: there is no such file, or it cannot be read.

    """
    path = Path(path)
    raw = _raw(path)
    units = None if instrument is None else (instrument.price_unit, instrument.lot)
    table: Table | None = None
    if raw.startswith(HEADER):
        # What is not regular may be bad or merely unusual: the other reader says which.
        with suppress(IrregularError):
            table, units = read(raw, len(HEADER), units)
    text = "" if table is not None else _text(path, raw)
    if instrument is None:
        price_unit, lot = _units(path, text) if units is None else units
        instrument = Instrument(
            symbol=_symbol(path),
            price_unit=price_unit,
            lot=lot,
            min_notional=min_notional,
            significant_figures=significant_figures,
        )
    if table is not None:
        return Recording(instrument, table)
    reader = _reader(path, text)
    try:
        rows = _rows(reader, instrument)
    except (ValueError, csv.Error) as error:
        raise MarketError(f"{path.name}, line {reader.line_num}: {error}") from error
    return Recording(instrument, rows)


def write(path: str | Path, instrument: Instrument, rows: Iterable[Row]) -> None:
    """Write rows, in the order given, as a market file; gzip where the name ends in `.gz`."""
    path = Path(path)
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            # Without a time of its own, equal rows make equal files.
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                _write(packed, instrument, rows)
        else:
            _write(raw, instrument, rows)


def _write(
    raw: io.BufferedWriter | gzip.GzipFile, instrument: Instrument, rows: Iterable[Row]
) -> None:
    handle = io.TextIOWrapper(raw, encoding="ascii", newline="")
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(fields(row, instrument) for row in rows)
    handle.flush()
    handle.detach()


def fields(row: Row, instrument: Instrument) -> tuple[str | int, ...]:
    """Return the columns of a row, as the file has them."""
    if row.kind == RowKind.BBO:
        bid = _pair(instrument, row.bid, row.bid_qty)
        ask = _pair(instrument, row.ask, row.ask_qty)
        return (row.ts, row.recv, "bbo", *bid, *ask, "", "", "", row.oid, row.act)
    qty = HIDDEN if row.qty < 0 else instrument.qty_text(row.qty)
    price = instrument.price_text(row.price)
    word = _WORDS[row.kind]
    return (row.ts, row.recv, word, "", "", "", "", price, qty, row.side, row.oid, row.act)


def _pair(instrument: Instrument, price: int, qty: int) -> tuple[str, str]:
    if price == 0:
        return "", ""
    return instrument.price_text(price), instrument.qty_text(qty)


def _raw(path: Path) -> bytes:
    """Return all bytes of the text of a plain or gzip file."""
    if not stat.S_ISREG(path.stat().st_mode):
        # A device may have no end, and a pipe begins only when somebody writes.
        raise MarketError(f"{path}: a market must be a regular file, was not")
    raw = bytearray()
    with path.open("rb") as plain:
        packed = plain.read(2) == GZIP_MAGIC
        plain.seek(0)
        source: io.BufferedReader | gzip.GzipFile = (
            gzip.GzipFile(fileobj=plain) if packed else plain
        )
        try:
            while chunk := source.read(CHUNK_BYTES):
                raw += chunk
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            line = raw.count(b"\n") + 1
            raise MarketError(
                f"{path.name}, line {line}: file must be whole, was cut short or damaged ({error})"
            ) from error
    return bytes(raw)


def _text(path: Path, raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise MarketError(
            f"{path.name}, line {line}: text must be ASCII, was byte {raw[error.start]:#x}"
        ) from error


def _reader(path: Path, text: str) -> "Reader":
    """Return a reader of the rows behind the header."""
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    if tuple(header) == COLUMNS:
        return reader
    missing = [name for name in COLUMNS if name not in header]
    fault = f"{missing[0]} missing" if missing else ",".join(header)
    raise MarketError(f"{path.name}, line 1: columns must be {','.join(COLUMNS)}, was {fault}")


def _symbol(path: Path) -> str:
    """Take the symbol from a name such as `venue_symbol_date.csv.gz`, or the whole stem."""
    stem = path.name.partition(".")[0]
    parts = stem.split("_")
    return (parts[1] if len(parts) > 1 else stem).upper()


def _units(path: Path, text: str) -> tuple[Decimal, Decimal]:
    """Return the finest decimal step of prices and of sizes."""
    prices: set[str] = set()
    sizes: set[str] = set()
    reader = _reader(path, text)
    try:
        for fields in reader:
            _, _, word, bid, bid_size, ask, ask_size, px, sz, _, _, _ = fields
            if word == "bbo":
                prices.update((bid, ask))
                sizes.update((bid_size, ask_size))
            else:
                prices.add(px)
                sizes.add(sz)
    except (ValueError, csv.Error) as error:
        raise MarketError(
            f"{path.name}, line {reader.line_num}: row must have {len(COLUMNS)} columns ({error})"
        ) from error
    return _step(prices), _step(sizes)


def _step(texts: set[str]) -> Decimal:
    decimals = 0
    for text in texts:
        if text.replace(".", "", 1).isdigit():
            decimals = max(decimals, len(text.partition(".")[2]))
        else:
            try:
                exponent = Decimal(text).as_tuple().exponent
            except InvalidOperation:
                continue  # The reader proper names the line of a bad number.
            if isinstance(exponent, int):
                decimals = max(decimals, -exponent)
    return Decimal(1).scaleb(-decimals)


def _decimal(text: str, what: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{what} must be a number, was {text!r}") from None
    if not number.is_finite():
        raise ValueError(f"{what} must be finite, was {text}")
    if number and abs(number.adjusted()) > DIGITS_MAX:
        raise ValueError(f"{what} must be from 1E-{DIGITS_MAX} to 1E+{DIGITS_MAX}, was {text}")
    return number


def _whole(text: str, what: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{what} must be a whole number, was {text!r}") from None


def _rows(reader: Iterator[list[str]], instrument: Instrument) -> list[Row]:
    """Parse the rows behind the header; a ValueError belongs to the reader's current line."""
    parse = _Parser(instrument).row
    return [parse(fields) for fields in reader]


class _Parser:
    """Fields to rows, remembering the newest time of each kind."""

    def __init__(self, instrument: Instrument) -> None:
        self._prices = _Scale(instrument.price_unit, "price")
        self._sizes = _Scale(instrument.lot, "size")
        self._newest = dict.fromkeys(_KINDS, 0)
        self._stamp, self._ts = "", 0
        self._received, self._recv = "", 0

    def row(self, fields: list[str]) -> Row:
        """Convert one row; raises ValueError where it breaks the format."""
        if len(fields) != len(COLUMNS):
            raise ValueError(f"row must have {len(COLUMNS)} columns, was {len(fields)}")
        stamp, received, word, _, _, _, _, px, sz, side, oid, act = fields
        # Rows come in bursts of one time.
        if stamp != self._stamp:
            self._ts, self._stamp = _whole(stamp, "ts_ns"), stamp
        if received != self._received:
            self._recv, self._received = _whole(received, "recv_ns"), received
        ts, recv, newest = self._ts, self._recv, self._newest
        if word not in newest:
            raise ValueError(f"kind must be bbo, trade, depth or l3, was {word!r}")
        if ts < newest[word]:
            raise ValueError(f"ts_ns of {word} rows must not fall, was {ts} after {newest[word]}")
        newest[word] = ts
        if word == "bbo":
            return self._touch(ts, recv, fields)
        sign = _ORDERLY.get((word, side, act))
        if sign is None:
            raise ValueError(_disorder(word, side, act))
        price = self._prices[px]
        if price == 0 and act != "X":
            raise ValueError(f"price must be positive, was {px}")
        qty = -1 if sz == HIDDEN and word == "depth" else self._sizes[sz]
        # Twice as fast as calling the class, and most of a large file is made here.
        return _new(Row, (ts, recv, _KINDS[word], 0, 0, 0, 0, price, qty, sign, oid, act))

    def _touch(self, ts: Nanos, recv: Nanos, fields: list[str]) -> Row:
        bid, bid_qty = self._level("bid", fields[3], fields[4])
        ask, ask_qty = self._level("ask", fields[5], fields[6])
        if bid and ask and bid >= ask:
            raise ValueError(f"bid must be below ask, was {fields[3]} against {fields[5]}")
        return Row(
            ts, recv, _KINDS["bbo"], bid, bid_qty, ask, ask_qty, 0, 0, 0, fields[10], fields[11]
        )

    def _level(self, name: str, px: str, sz: str) -> tuple[int, int]:
        if not px and not sz:
            return 0, 0
        price = self._prices[px]
        if price == 0:
            raise ValueError(f"{name} must be positive, was {px}")
        return price, self._sizes[sz]


def _disorder(word: str, side: str, act: str) -> str:
    if act not in _ACTS[word]:
        acts = ", ".join(repr(known) for known in _ACTS[word])
        return f"act of a {word} row must be one of {acts}, was {act!r}"
    allowed = "1, -1 or 0" if word == "trade" else "1 or -1"
    return f"side of a {word} row must be {allowed}, was {side!r}"


_RANKS: Final = {RowKind.TRADE: 0, RowKind.BBO: 1, RowKind.DEPTH: 2, RowKind.L3: 3}


def _in_exchange_order(rows: Sequence[Row]) -> Sequence[Row]:
    if any(row[2] == RowKind.L3 for row in rows):
        return sorted(rows, key=_time)
    ranks = [_RANKS[kind] for kind in RowKind]
    # Two sorts by one number are faster than one by a pair, and sorting is stable.
    ordered = sorted(rows, key=lambda row: ranks[row[2]])
    ordered.sort(key=_time)
    return ordered


def _time(row: Row) -> Nanos:
    return row[0]
