"""What is passed to the functions of a venue, and what they may return, in human units."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from exchange.commands import Cancel, Modify, Place, QueryOrder
from exchange.instrument import Instrument
from exchange.reports import Fill, OpenOrder
from exchange.units import SECOND, Nanos, Price, Qty
from exchange.words import Cloid, Oid, Side, Status

SideWord: TypeAlias = Literal["buy", "sell"]
Exact: TypeAlias = Decimal | str | int | float
"""As a venue has it; a float is read to the nearest unit."""

FIGURES: Final = 12


class Named(Struct, frozen=True):
    """An order as `cancel` and `order` are told of it."""

    cloid: Cloid
    """Ours; the venue's client id where it takes one."""
    oid: Oid | None
    """The venue's; None in a place, and where it was never told."""


class Ticket(Named, frozen=True):
    """An order as it shall be, as `place` and `modify` are told of it."""

    side: SideWord
    price: Decimal
    qty: Decimal
    """In a modify what shall remain, or the total where `Capabilities.qty_is_total`."""
    post_only: bool = False
    reduce_only: bool = False


class Resting(Struct, frozen=True):
    """An order that rests, as `open_orders` tells of it; a mapping with these keys will do."""

    oid: str | int
    side: SideWord
    price: Exact
    qty: Exact
    """What remains."""
    cloid: str | None = None
    """Ours, where the venue keeps it."""


class Filled(Struct, frozen=True):
    """One execution, as `fills` and `heard` tell of it; a mapping with these keys will do."""

    oid: str | int
    trade_id: str | int
    """By which it is counted once."""
    price: Exact
    qty: Exact
    side: SideWord | None = None
    cloid: str | None = None
    at_s: float | None = None
    """When, in seconds since 1970; None: when it was heard of."""


class Found(Struct, frozen=True):
    """What became of an order, as `order` tells of it; a mapping with these keys will do."""

    status: Literal["open", "filled", "cancelled", "rejected"]
    filled: Exact | None = None
    """Over its life, where the venue says it."""
    oid: str | int | None = None


def ticket_of(command: Place | Modify | Cancel | QueryOrder, instrument: Instrument) -> Named:
    """Return a command in human units; a `Ticket` where it says how the order shall be."""
    oid = None if isinstance(command, Place) else command.oid
    if isinstance(command, Cancel | QueryOrder):
        return Named(command.cloid, oid)
    return Ticket(
        command.cloid,
        oid,
        "buy" if command.side is Side.BUY else "sell",
        command.price * instrument.price_unit,
        command.qty * instrument.lot,
        command.post_only,
        command.reduce_only,
    )


def read_row(row: Any, instrument: Instrument) -> tuple[OpenOrder, Cloid | None]:
    """Return a row of a look, and the cloid that it names; raises ValueError or TypeError."""
    told = row if isinstance(row, Resting) else _read(row, Resting)
    price = _units(told.price, instrument.price_unit)
    qty = _units(told.qty, instrument.lot)
    # Whoever has no client id of an order may say so by an empty one.
    return OpenOrder(id_of("oid", told.oid), None, _side(told.side), price, qty), told.cloid or None


def read_fill(fill: Any, instrument: Instrument, heard: Nanos) -> Fill:
    """Return a fill, told of at `heard`; raises ValueError or TypeError."""
    told = fill if isinstance(fill, Filled) else _read(fill, Filled)
    return Fill(
        heard if told.at_s is None else min(heard, round(told.at_s * SECOND)),
        told.cloid or None,
        id_of("oid", told.oid),
        _units(told.qty, instrument.lot),
        _units(told.price, instrument.price_unit),
        id_of("trade_id", told.trade_id),
        None if told.side is None else _side(told.side),
    )


def read_found(found: Any, instrument: Instrument) -> tuple[Status, Qty | None, Oid | None]:
    """Return what became of an order; raises ValueError or TypeError."""
    told = found if isinstance(found, Found) else _read(found, Found)
    filled = None if told.filled is None else _units(told.filled, instrument.lot)
    return Status(told.status), filled, None if told.oid is None else id_of("oid", told.oid)


def read_touch(told: Any, instrument: Instrument) -> tuple[Price | None, Price | None]:
    """Return best bid and ask, to the nearest unit; raises ValueError or TypeError."""
    if told is None:
        return None, None
    try:
        bid, ask = told
    except (TypeError, ValueError):
        raise TypeError(f"touch must return best bid and ask, or None, was {told!r}") from None
    unit = instrument.price_unit
    # To the nearest: a bot's touch may be computed.
    near = [None if price is None else _units(float(price), unit) for price in (bid, ask)]
    return near[0] or None, near[1] or None


def id_of(name: str, told: object) -> str:
    """Return an id; raises TypeError for what is none, which others would seem to share."""
    if isinstance(told, bool) or not isinstance(told, str | int) or told == "":
        raise TypeError(f"{name} must be a text or a whole number, was {told!r}")
    return str(told)


_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}


def _read(told: Any, shape: type[Any]) -> Any:
    if not isinstance(told, Mapping):
        raise TypeError(f"a {shape.__name__} or a mapping must be told, was {told!r}")
    required = shape.__struct_fields__[
        : len(shape.__struct_fields__) - len(shape.__struct_defaults__)
    ]
    if not told.keys() >= set(required):
        raise TypeError(f"a {shape.__name__} must have {', '.join(required)}, was {told!r}")
    return shape(**{key: told[key] for key in shape.__struct_fields__ if key in told})


def _side(word: object) -> Side:
    side = _SIDES.get(str(word).lower())
    if side is None:
        raise ValueError(f"a side must be buy or sell, was {word!r}")
    return side


def _units(value: Exact, unit: Decimal) -> int:
    exact = Decimal(f"{value:.{FIGURES}g}") if isinstance(value, float) else Decimal(value)
    if not exact.is_finite() or exact < 0:
        # Of a fill or a row the side is told apart; a size with a sign would count against it.
        raise ValueError(f"a number must be finite and not negative, was {value}")
    count = exact / unit
    whole = int(count.to_integral_value())
    if whole != count and not isinstance(value, float):
        raise ValueError(f"a number must be a multiple of {unit}, was {value}")
    return whole
