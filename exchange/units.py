"""Integers with units: what prices, sizes and times are everywhere behind the border.

A price is a count of the instrument's price units, a quantity a count of its lots, a time or a
duration a count of nanoseconds. Decimal appears only where text becomes one of these numbers
(`exchange.instrument`), float only where nothing is decided (views, quoting, benches).
"""

from typing import Final, TypeAlias

Price: TypeAlias = int
"""A price in the instrument's price units."""

Qty: TypeAlias = int
"""A quantity in the instrument's lots; never negative, the side is said apart."""

Nanos: TypeAlias = int
"""A time since the epoch of the run, or a duration, in nanoseconds."""

MILLISECOND: Final = 1_000_000
SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
NANOS_MAX: Final = 2**63 - 1
"""The last time that 64 bits hold, in the year 2262; a text that says a later one is damaged."""

BPS: Final = 10_000
"""Basis points in the whole."""


def seconds(value: float) -> Nanos:
    """Return `value` seconds as nanoseconds, rounded to the nearest."""
    return round(value * SECOND)
