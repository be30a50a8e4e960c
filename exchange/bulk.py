"""A market file read at once: the text is one array of bytes, and its fields are places in it.

What `exchange.recording` reads row by row, and says of a bad row what is wrong with it, is read
here by a few passes over all rows. It knows only what is regular: numbers of digits with at most
one point, no signs but those of the format, no quotes. Whatever is not so, bad or merely unusual,
is left to the other reader, which is the one that says what a file means.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from exchange.columns import ACTS, Columns
from exchange.market import Row, RowKind
from exchange.units import Price

Ints: TypeAlias = npt.NDArray[np.int64]
Words: TypeAlias = npt.NDArray[np.uint64]
Flags: TypeAlias = npt.NDArray[np.bool_]

WIDTH: Final = 12
"""Fields of a row."""
DIGITS_MAX: Final = 18
"""Any number of so many digits is an `int64`."""
WORD: Final = 8
"""Bytes that are looked at together."""
COMMA, POINT, NEWLINE, DIGIT = b",.\n0"
TS, RECV, KIND, BID, BID_QTY, ASK, ASK_QTY, PRICE, QTY, SIDE, OID, ACT = range(WIDTH)
ODD: Final = (b'"', b"\r", b"\0")
"""What the text of a regular file does not hold."""
KINDS: Final = tuple(kind.name.lower() for kind in RowKind)
ACTS_OF: Final = {
    RowKind.TRADE: ("", "I"),
    RowKind.DEPTH: ("S", "U"),
    RowKind.L3: ("A", "M", "C", "F", "X", "P"),
}
SIDES: Final = ("-1", "0", "1")
NO_OIDS: Final = ("", "0")
MINUS: Final = ("-1",)
_new: Final = tuple.__new__


class IrregularError(Exception):
    """The text is not as regular as bulk reading needs it; it may be right all the same."""


class Table:
    """All rows of a file, column by column."""

    __slots__ = ("fourth", "kind", "oid", "oids", "price", "qty", "recv", "third", "ts")

    def __init__(self, columns: Sequence[Ints], oids: Sequence[str]) -> None:
        """Take the columns, of which that of the oids says where in `oids` each is."""
        self.ts, self.recv, self.kind = columns[:3]
        self.price, self.qty, self.third, self.fourth, self.oid = columns[3:]
        self.oids = oids

    def __len__(self) -> int:
        return len(self.ts)

    def prices(self) -> frozenset[Price]:
        """Return all prices that occur."""
        both = np.concatenate((self.price, self.third[self.kind == RowKind.BBO]))
        return frozenset(np.unique(both).tolist()) - {0}

    def in_exchange_order(self) -> "Table":
        """Return the rows ordered by time; at one time trades, touch, depth, but single orders."""
        if (self.kind == RowKind.L3).any():
            order = np.argsort(self.ts, kind="stable")
        else:
            ranks = np.array([1, 0, 2], dtype=np.int64)
            order = np.lexsort((ranks[self.kind], self.ts))
        what = (self.price, self.qty, self.third, self.fourth, self.oid)
        columns = [column[order] for column in (self.ts, self.recv, self.kind, *what)]
        return Table(columns, self.oids)

    def rows(self, begin: int, end: int) -> list[Row]:
        """Return some rows one by one."""
        kind = self.kind[begin:end]
        is_touch = kind == RowKind.BBO
        what = [column[begin:end] for column in (self.price, self.qty, self.third, self.fourth)]
        columns: list[list[object]] = [
            self.ts[begin:end].tolist(),
            self.recv[begin:end].tolist(),
            kind.tolist(),
            *(np.where(is_touch, column, 0).tolist() for column in what),
            *(np.where(is_touch, 0, column).tolist() for column in what[:3]),
            [self.oids[place] for place in self.oid[begin:end].tolist()],
            [ACTS[act] for act in np.where(is_touch, 0, what[3]).tolist()],
        ]
        return [_new(Row, fields) for fields in zip(*columns, strict=True)]

    def columns(self) -> Columns | None:
        """Return the rows, which are in the order of time, as packets.

        None where there are none, or single orders among them.
        """
        if len(self) == 0 or (self.kind == RowKind.L3).any():
            return None
        columns = Columns(self.rows)
        lasts = np.append(np.flatnonzero(np.diff(self.ts)), len(self) - 1)
        columns.times += self.ts[lasts].tolist()
        columns.ends += (lasts + 1).tolist()
        columns.kinds += self.kind.tolist()
        columns.prices += self.price.tolist()
        columns.qtys += self.qty.tolist()
        columns.thirds += self.third.tolist()
        columns.fourths += self.fourth.tolist()
        return columns


class _Fields:
    """Where each field of each row begins and ends in the bytes of a text."""

    def __init__(self, text: bytes, begin: int) -> None:
        """Split the rows from the byte `begin` on, which has a word's length before it."""
        if not text.isascii() or any(odd in text for odd in ODD):
            raise IrregularError
        if not text.endswith(b"\n"):
            text += b"\n"
        self._text: Final = text
        data = np.frombuffer(text, dtype=np.uint8)
        # One word begins at each byte.
        self._words: Final = np.ndarray(
            (len(data) - WORD + 1,), dtype="<u8", buffer=text, strides=(1,)
        )
        separators = np.flatnonzero((data[begin:] == COMMA) | (data[begin:] == NEWLINE)) + begin
        if len(separators) == 0 or len(separators) % WIDTH:
            raise IrregularError
        self.ends: Final[Ints] = separators.reshape(-1, WIDTH)
        is_newline = data[self.ends] == NEWLINE
        if is_newline[:, :-1].any() or not is_newline[:, -1].all():
            raise IrregularError
        starts = np.empty_like(separators)
        starts[0], starts[1:] = begin, separators[:-1] + 1
        self.starts: Final[Ints] = starts.reshape(-1, WIDTH)
        self.lengths: Final[Ints] = self.ends - self.starts
        points = np.flatnonzero(data[begin:] == POINT) + begin
        fields = np.searchsorted(separators, points)
        if (np.diff(fields) == 0).any():
            raise IrregularError
        whole = separators.copy()
        whole[fields] = points
        self.points: Final[Ints] = whole.reshape(-1, WIDTH)
        """Where the point is, or else the end."""

    def __len__(self) -> int:
        return len(self.ends)

    def places(self, column: int, words: Sequence[str]) -> Ints:
        """Return which of some short words each field is; -1 where it is none."""
        lengths = self.lengths[:, column]
        found = np.full(len(self), -1, dtype=np.int64)
        text = _last(self._words[self.ends[:, column] - WORD], np.minimum(lengths, WORD), 0)
        text[lengths > WORD] = ~np.uint64(0)
        for place, word in enumerate(words):
            found[text == int.from_bytes(word.encode().rjust(WORD, b"\0"), "little")] = place
        return found

    def whole(self, rows: Flags, column: int) -> Ints:
        """Return fields that are digits."""
        ends, lengths = self.ends[rows, column], self.lengths[rows, column]
        if (self.points[rows, column] != ends).any() or (lengths == 0).any():
            raise IrregularError
        return self._digits(ends, lengths)

    def decimals(self, rows: Flags, column: int) -> int:
        """Return the most digits behind a point."""
        behind = self.ends[rows, column] - self.points[rows, column] - 1
        return int(behind.max(initial=0))

    def number(self, rows: Flags, column: int, decimals: int) -> Ints:
        """Return fields that are numbers, as whole numbers of the unit with so many decimals."""
        ends, points = self.ends[rows, column], self.points[rows, column]
        before = points - self.starts[rows, column]
        behind = np.maximum(ends - points - 1, 0)
        if (before + behind == 0).any() or (behind > decimals).any():
            raise IrregularError
        if (before > DIGITS_MAX - decimals).any():
            raise IrregularError
        powers: Ints = 10 ** np.arange(decimals + 1, dtype=np.int64)
        value: Ints = self._digits(points, before) * powers[decimals]
        value += self._digits(ends, behind) * powers[decimals - behind]
        return value

    def texts(self, column: int) -> list[str]:
        """Return the fields of a column as they stand there."""
        text = self._text.decode("ascii")
        spans = zip(self.starts[:, column].tolist(), self.ends[:, column].tolist(), strict=True)
        return [text[start:end] for start, end in spans]

    def _digits(self, ends: Ints, lengths: Ints) -> Ints:
        """Return the numbers that so many digits before each end make; none make 0."""
        if len(lengths) == 0:
            return np.zeros(0, dtype=np.int64)
        longest = int(lengths.max())
        if longest > DIGITS_MAX + 1:
            raise IrregularError
        value = _value(_last(self._words[ends - WORD], np.minimum(lengths, WORD), DIGIT))
        scale = 1
        for done in range(WORD, longest, WORD):
            scale *= 10**WORD
            left = np.clip(lengths - done, 0, WORD)
            part = _value(_last(self._words[ends - done - WORD], left, DIGIT))
            value += part * np.uint64(scale)
        if (value > np.iinfo(np.int64).max).any():
            raise IrregularError
        return value.astype(np.int64)


def _last(words: Words, counts: Ints, filling: int) -> Words:
    """Keep the last so many bytes of each word, and fill up what stands before them."""
    keeps = np.zeros(WORD + 1, dtype=np.uint64)
    fills = np.zeros(WORD + 1, dtype=np.uint64)
    for count in range(WORD + 1):
        keep = (1 << 8 * WORD) - (1 << 8 * (WORD - count))
        keeps[count] = keep
        fills[count] = int.from_bytes(bytes([filling] * (WORD - count)), "little")
    return (words & keeps[counts]) | fills[counts]


def _value(words: Words) -> Words:
    """Return the numbers that words of eight digits are; the first digit is the lowest byte."""
    high = np.uint64(0xF0F0F0F0F0F0F0F0)
    zeros = np.uint64(0x3030303030303030)
    sixes = np.uint64(0x0606060606060606)
    if (((words & high) != zeros) | (((words + sixes) & high) != zeros)).any():
        raise IrregularError
    # Neighbours are joined: digits, then pairs, then fours.
    for mask, factor, shift in (
        (0x0F0F0F0F0F0F0F0F, 10 << 8 | 1, 8),
        (0x00FF00FF00FF00FF, 100 << 16 | 1, 16),
        (0x0000FFFF0000FFFF, 10_000 << 32 | 1, 32),
    ):
        words = ((words & np.uint64(mask)) * np.uint64(factor)) >> np.uint64(shift)
    return words


def read(
    text: bytes, begin: int, units: tuple[Decimal, Decimal] | None
) -> tuple[Table, tuple[Decimal, Decimal]]:
    """Read the rows that stand behind a header line, which ends at `begin`.

    `units` are the price unit and the lot; without them they are the finest steps in the text.
    Returns the rows and the units. Raises IrregularError where the text is not regular.
    """
    fields = _Fields(text, begin)
    kind = fields.places(KIND, KINDS)
    if (kind < 0).any():
        raise IrregularError
    ts = fields.whole(np.full(len(fields), fill_value=True), TS)
    for number in range(len(KINDS)):
        if (np.diff(ts[kind == number]) < 0).any():
            raise IrregularError
    recv = np.full(len(fields), -1, dtype=np.int64)
    is_received = fields.places(RECV, MINUS) < 0
    recv[is_received] = fields.whole(is_received, RECV)
    is_touch = kind == RowKind.BBO
    is_hidden = (kind == RowKind.DEPTH) & (fields.places(QTY, MINUS) == 0)
    is_sized = ~is_touch & ~is_hidden
    if units is None:
        steps = _steps(fields, is_touch)
        units = Decimal(1).scaleb(-steps[0]), Decimal(1).scaleb(-steps[1])
    else:
        steps = _steps_of(units[0]), _steps_of(units[1])
    price, qty = np.zeros_like(ts), np.where(is_hidden, -1, 0)
    price[~is_touch] = fields.number(~is_touch, PRICE, steps[0])
    qty[is_sized] = fields.number(is_sized, QTY, steps[1])
    third, fourth = _sides_and_acts(fields, kind, price)
    for prices, qtys, px, sz in ((price, qty, BID, BID_QTY), (third, fourth, ASK, ASK_QTY)):
        there = is_touch & ((fields.lengths[:, px] > 0) | (fields.lengths[:, sz] > 0))
        prices[there] = fields.number(there, px, steps[0])
        qtys[there] = fields.number(there, sz, steps[1])
        if (prices[there] == 0).any():
            raise IrregularError
    if (is_touch & (price > 0) & (third > 0) & (price >= third)).any():
        raise IrregularError
    oids: Sequence[str] = NO_OIDS
    oid = fields.places(OID, oids)
    if (oid < 0).any():
        oids = fields.texts(OID)
        oid = np.arange(len(oids))
    return Table((ts, recv, kind, price, qty, third, fourth, oid), oids), units


def _steps(fields: _Fields, is_touch: Flags) -> tuple[int, int]:
    """Return the most decimals of prices and of sizes."""
    prices = [fields.decimals(is_touch, BID), fields.decimals(is_touch, ASK)]
    sizes = [fields.decimals(is_touch, BID_QTY), fields.decimals(is_touch, ASK_QTY)]
    prices.append(fields.decimals(~is_touch, PRICE))
    sizes.append(fields.decimals(~is_touch, QTY))
    if max(*prices, *sizes) >= DIGITS_MAX:
        raise IrregularError
    return max(prices), max(sizes)


def _steps_of(unit: Decimal) -> int:
    """Return the decimals that a unit stands for."""
    _, digits, exponent = unit.as_tuple()
    if digits != (1,) or not isinstance(exponent, int) or not -DIGITS_MAX < exponent <= 0:
        raise IrregularError
    return -exponent


def _sides_and_acts(fields: _Fields, kind: Ints, price: Ints) -> tuple[Ints, Ints]:
    """Return sides and acts, 0 for touches, whose act must be empty."""
    side = fields.places(SIDE, SIDES) - 1
    act = fields.places(ACT, ACTS)
    has_side = (side == 1) | (side == -1)
    is_cleared = (kind == RowKind.L3) & (act == ACTS.index("X")) & (side == 0)
    allowed = is_cleared | (kind == RowKind.BBO) & (act == 0)
    for of, acts in ACTS_OF.items():
        sided = has_side | (side == 0) if of is RowKind.TRADE else has_side
        allowed |= (kind == of) & np.isin(act, [ACTS.index(name) for name in acts]) & sided
    is_priced = (price > 0) | (kind == RowKind.BBO) | (act == ACTS.index("X"))
    if not (allowed & is_priced).all():
        raise IrregularError
    is_touch = kind == RowKind.BBO
    return np.where(is_touch, 0, side), np.where(is_touch, 0, act)
