"""How a moment of a trace is written: since its beginning, to the millisecond."""

from datetime import UTC, datetime
from typing import Final

from exchange.units import MILLISECOND, SECOND, Nanos

CALENDAR_FROM: Final[Nanos] = 10**17
"""In 1973: a time before it counts from another beginning than that of 1970."""


def moment(at: Nanos) -> str:
    """Write a time since the beginning as minutes and seconds, with hours where it has any."""
    sign, at = ("-", -at) if at < 0 else ("", at)
    minutes, rest = divmod(at, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // SECOND:02}.{rest % SECOND // MILLISECOND:03}"
    return f"{sign}{hours}:{minutes:02}:{seconds}" if hours else f"{sign}{minutes:02}:{seconds}"


def calendar(at: Nanos) -> str:
    """Write a time since 1970 as a time of the calendar; empty where it is none."""
    if at < CALENDAR_FROM:
        return ""
    whole = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{at % SECOND // MILLISECOND:03}Z"
