"""The part of a trace that is asked about: from one moment until another.

A moment is said as a time of the calendar or as a time since the beginning. Everything before it
is read all the same: what was said then is the evidence by which later records are judged.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from exchange.units import SECOND, Nanos

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS: Final = {"ms": SECOND // 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")


class Moment(Struct, frozen=True):
    """One end of a window."""

    at: Nanos
    is_absolute: bool
    """A time since 1970, and not since the beginning of the trace."""

    def resolve(self, start: Nanos) -> Nanos:
        """Return it as a time of a trace that begins at `start`."""
        return self.at if self.is_absolute else start + self.at


class Window(Struct, frozen=True):
    """From one moment until another, both in it; None: as far as there is anything."""

    since: Moment | None = None
    until: Moment | None = None

    def resolved(self, start: Nanos) -> "Window":
        """Return it with times since 1970 only, for a trace that begins at `start`."""
        ends = (self.since, self.until)
        return Window(
            *(None if one is None else Moment(one.resolve(start), is_absolute=True) for one in ends)
        )


EVERYTHING: Final = Window()


def read_moment(text: str) -> Moment:
    """Read `90`, `90s`, `1h30m`, `12:34.5` or `1:02:03` since the beginning, or an ISO time.

    Raises ValueError where it is none of these.
    """
    since = _since(text.strip())
    if since is not None:
        return Moment(since, is_absolute=False)
    try:
        return Moment(iso_nanos(text.strip()), is_absolute=True)
    except ValueError:
        raise ValueError(
            f"must be a time since the beginning as 90, 1h30m or 1:02:03, or an ISO time, "
            f"was {text!r}"
        ) from None


def iso_nanos(text: str) -> Nanos:
    """Return an ISO 8601 time in nanoseconds since 1970, UTC where it names no zone."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return (when - _EPOCH) // timedelta(microseconds=1) * 1000


def _since(text: str) -> Nanos | None:
    """Return a time since the beginning, None where the text says none."""
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return round(float(text) * SECOND)
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours, minutes, seconds = clock.groups()
        whole = 3600 * int(hours or 0) + 60 * int(minutes)
        return whole * SECOND + round(float(seconds) * SECOND)
    if text and not _PART.sub("", text):
        return sum(round(float(count) * _UNITS[unit]) for count, unit in _PART.findall(text))
    return None
