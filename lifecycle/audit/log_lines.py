"""Reading another bot's log: CSV with a header, or JSON lines, one event a line.

A line becomes a value with our names, its numbers still decimal. Every line is checked by itself;
what the lines mean together is found by `lifecycle.audit.imported`.
"""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from exchange.units import MILLISECOND, NANOS_MAX, SECOND, Nanos
from exchange.words import Cloid, Oid, Side, TradeId
from lifecycle.audit.mapping import (
    Dialect,
    Kind,
    LogError,
    TimeUnit,
    columns_of,
    kind_of,
    side_of,
    unit_of,
)
from lifecycle.audit.window import iso_nanos

Format: TypeAlias = Literal["csv", "jsonl"]
NANOS: Final[dict[TimeUnit, int]] = {"s": SECOND, "ms": MILLISECOND, "us": 1000, "ns": 1}
_TRUE: Final = frozenset({"1", "true", "yes", "y", "t"})
_FALSE: Final = frozenset({"", "0", "false", "no", "n", "f"})


class Line(Struct, frozen=True, kw_only=True):
    """One event of a log; None where it says nothing."""

    number: int
    """In the file, the first is 1; the header counts."""
    at: Nanos
    kind: Kind
    word: str
    """The log's own, for the kind."""
    cloid: Cloid | None
    oid: Oid | None
    side: Side | None
    price: Decimal | None
    qty: Decimal | None
    trade_id: TradeId | None
    request: int | None
    reduce_only: bool | None


class LogFile:
    """A log that can be read."""

    def __init__(self, path: Path, form: Format, dialect: Dialect) -> None:
        """Read `path` as a log of this format; columns are those of the dialect, or found."""
        self.path = path
        self.unit: TimeUnit | None = dialect.time_unit
        """Of its times; where nobody says it, known once a line has been read."""
        self.columns: dict[str, str] = {}
        """From our names to the log's; of JSON lines only what every line may have."""
        self._form = form
        self._dialect = dialect

    def lines(self) -> Iterator[Line]:
        """Read line by line; raises LogError at the first that cannot be used."""
        rows = self._csv() if self._form == "csv" else self._json()
        for number, row in rows:
            yield self._line(number, row)

    def fault(self, number: int, what: str) -> LogError:
        """Return the error of a line."""
        return LogError(f"{self.path.name}, line {number}: {what}")

    # Rows.

    def _text(self) -> Iterator[str]:
        opened = gzip.open if self.path.suffix == ".gz" else open
        try:
            with opened(self.path, "rt", encoding="utf-8-sig", newline="") as file:
                yield from file
        except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
            raise LogError(f"{self.path.name}: a log must be whole UTF-8 text: {error}") from None

    def _csv(self) -> Iterator[tuple[int, dict[str, str]]]:
        reader = csv.reader(self._text(), strict=True)
        try:
            head = [name.strip() for name in next(reader, [])]
            if not head:
                raise self.fault(1, "a log must begin with the names of its columns, was empty")
            self._find(1, head)
            for row in reader:
                if not any(field.strip() for field in row):
                    continue
                if len(row) != len(head):
                    rule = f"a line must have {len(head)} fields, was {len(row)}"
                    raise self.fault(reader.line_num, rule)
                fields = zip(head, row, strict=True)
                yield reader.line_num, {name: field.strip() for name, field in fields}
        except csv.Error as error:
            raise self.fault(reader.line_num, f"a line must be CSV: {error}") from None

    def _json(self) -> Iterator[tuple[int, dict[str, str]]]:
        keys: dict[str, None] = {}
        for number, text in enumerate(self._text(), start=1):
            if not text.strip():
                continue
            try:
                # Numbers stay as they are written.
                value = json.loads(text, parse_float=str, parse_int=str)
            except json.JSONDecodeError as error:
                raise self.fault(number, f"a line must be JSON: {error}") from None
            if not isinstance(value, dict):
                raise self.fault(number, f"a line must be a JSON object, was {text.strip()[:40]}")
            row = _flat(value)
            if not row.keys() <= keys.keys():
                # Lines of different kinds have different keys.
                keys.update(dict.fromkeys(row))
                self._find(number, list(keys))
            yield number, row

    def _find(self, number: int, names: list[str]) -> None:
        try:
            said, is_csv = self._dialect.columns, self._form == "csv"
            if not is_csv:
                names = [*names, *(name for name in said.values() if name not in names)]
            self.columns = columns_of(said, names, all_there=is_csv)
        except LogError as error:
            raise self.fault(number, str(error)) from None

    # Fields.

    def _line(self, number: int, row: Mapping[str, str]) -> Line:
        word = self._said(row, "event")
        try:
            kind = kind_of(word or "", self._dialect.events)
        except ValueError as error:
            raise self._bad(number, "event", str(error)) from None
        fills = kind is Kind.FILL
        return Line(
            number=number,
            at=self._time(number, row),
            kind=kind,
            word=word or "",
            cloid=self._said(row, "cloid"),
            oid=self._said(row, "oid"),
            side=self._side(number, row),
            price=self._number(number, row, "price", "fill_price" if fills else None),
            qty=self._number(number, row, "qty", "fill_qty" if fills else None),
            trade_id=self._said(row, "trade_id"),
            request=self._whole(number, row, "request"),
            reduce_only=self._flag(number, row, "reduce_only"),
        )

    def _said(self, row: Mapping[str, str], name: str) -> str | None:
        return row.get(self.columns.get(name, "")) or None

    def _bad(self, number: int, name: str, what: str) -> LogError:
        return self.fault(number, f"column {self.columns.get(name, name)!r} ({name}) {what}")

    def _time(self, number: int, row: Mapping[str, str]) -> Nanos:
        text = self._said(row, "time")
        if text is None:
            raise self._bad(number, "time", "must not be empty")
        if self.unit is None:
            self.unit = unit_of(self.columns["time"], text)
        try:
            if self.unit == "iso":
                return iso_nanos(text)
            return _in_clock(round(Decimal(text) * NANOS[self.unit]))
        except (ValueError, InvalidOperation, OverflowError):
            what = "an ISO time" if self.unit == "iso" else f"a number of {self.unit}"
            raise self._bad(number, "time", f"must be {what}, was {text!r}") from None

    def _side(self, number: int, row: Mapping[str, str]) -> Side | None:
        text = self._said(row, "side")
        try:
            return None if text is None else side_of(text, self._dialect.sides)
        except ValueError as error:
            raise self._bad(number, "side", str(error)) from None

    def _number(
        self, number: int, row: Mapping[str, str], name: str, instead: str | None
    ) -> Decimal | None:
        if instead is not None and self._said(row, instead) is not None:
            name = instead
        text = self._said(row, name)
        if text is None:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise self._bad(number, name, f"must be a number, was {text!r}") from None
        if not value.is_finite() or value < 0:
            raise self._bad(number, name, f"must be finite and not negative, was {text}")
        return value

    def _whole(self, number: int, row: Mapping[str, str], name: str) -> int | None:
        text = self._said(row, name)
        if text is None:
            return None
        if not text.isdecimal():
            raise self._bad(number, name, f"must be a whole number, was {text!r}")
        return int(text)

    def _flag(self, number: int, row: Mapping[str, str], name: str) -> bool | None:
        text = self._said(row, name)
        if text is None:
            return None
        if text.lower() not in _TRUE | _FALSE:
            raise self._bad(number, name, f"must be true or false, was {text!r}")
        return text.lower() in _TRUE


def _in_clock(at: Nanos) -> Nanos:
    """Return a time that a clock can show; raises ValueError for any other."""
    if abs(at) > NANOS_MAX:
        raise ValueError(f"a time must be at most {NANOS_MAX} ns, was {at}")
    return at


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Return an object's values as text; what is inside another has a dot in its name."""
    found: dict[str, str] = {}
    for name, inner in value.items():
        path = f"{before}{name}"
        if isinstance(inner, dict):
            found |= _flat(inner, f"{path}.")
        elif isinstance(inner, bool):
            found[path] = "true" if inner else "false"
        elif isinstance(inner, str):
            found[path] = inner.strip()
        elif inner is not None:
            found[path] = json.dumps(inner)
    return found
